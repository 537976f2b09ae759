import elkjs, { type ElkExtendedEdge, type ElkNode, type LayoutOptions } from 'elkjs';
import {
  arrowLabel,
  type Bundle,
  bundlesOf,
  type Chart,
  type ChartState,
  stayingLabel,
} from '../src/cli/diagram-chart.ts';
import { effortToRead } from './chart-legibility.ts';

/**
 * Places a chart's states and arrows. The layers come from ELK (Sugiyama's method, edges through nested states
 * included); it is deterministic, and text is measured by counting characters, so the same chart gives the same
 * picture on every machine.
 */

export interface Point {
  readonly x: number;
  readonly y: number;
}

export interface Box extends Point {
  readonly width: number;
  readonly height: number;
}

export interface PlacedState {
  readonly state: ChartState;
  readonly box: Box;
  /** What is written below the name. */
  readonly lines: readonly string[];
}

export interface PlacedArrow {
  readonly from: string;
  readonly to: string;
  /** True for the arrow from the dot to the state where its parent begins. */
  readonly initial: boolean;
  readonly points: readonly Point[];
  readonly labels: readonly string[];
  readonly labelAt: Box | null;
}

export interface Picture {
  readonly width: number;
  readonly height: number;
  /** Outer states before those within them. */
  readonly states: readonly PlacedState[];
  readonly arrows: readonly PlacedArrow[];
  /** Where the dots are that initial arrows come from. */
  readonly dots: readonly Point[];
}

/** Pixels. The fonts named in `chart-svg.ts` are all about 0.6 em wide. */
export const TEXT = { size: 12, charWidth: 7.3, lineHeight: 16, padding: 10, titleHeight: 26 } as const;
export const DOT_RADIUS = 5;

const LAYERED: LayoutOptions = {
  'elk.algorithm': 'layered',
  'elk.direction': 'DOWN',
  'elk.hierarchyHandling': 'INCLUDE_CHILDREN',
  'elk.json.shapeCoords': 'ROOT',
  'elk.json.edgeCoords': 'ROOT',
  'elk.spacing.nodeNode': '28',
  'elk.spacing.edgeNode': '14',
  'elk.spacing.edgeEdge': '10',
  'elk.layered.thoroughness': '20',
};

/** Applies within each state: ELK passes nothing on. */
const within = (placement: string): LayoutOptions => ({
  'elk.layered.spacing.nodeNodeBetweenLayers': '28',
  'elk.layered.spacing.edgeNodeBetweenLayers': '12',
  'elk.layered.spacing.edgeEdgeBetweenLayers': '9',
  'elk.layered.nodePlacement.strategy': placement,
});

/** Arrows down the file's order keep pointing down; a chart is written in the order in which it is to be read. */
const FORWARD: LayoutOptions = { 'elk.layered.priority.direction': '10' };
const INITIAL: LayoutOptions = {
  'elk.layered.priority.direction': '100',
  'elk.layered.priority.straightness': '10',
};

const PLACEMENTS = ['NETWORK_SIMPLEX', 'BRANDES_KOEPF', 'LINEAR_SEGMENTS'] as const;
/** ELK's heuristics begin at random; the easiest to read of this many pictures for each placement is taken. */
const SEEDS = 8;

const dotOf = (path: string): string => `${path} (initial)`;

/** Lays a chart out; of several attempts the one that is easiest to read. */
export async function layOut(chart: Chart, seeds = SEEDS): Promise<Picture> {
  const elk = new elkjs.default();
  let best: { readonly picture: Picture; readonly effort: number } | null = null;
  for (const placement of PLACEMENTS) {
    for (let seed = 1; seed <= seeds; seed++) {
      const picture = pictureOf(chart, await elk.layout(graphOf(chart, placement, seed)));
      const effort = effortToRead(picture);
      if (best === null || effort < best.effort) best = { picture, effort };
    }
  }
  if (best === null) throw new Error(`No layout of ${chart.id}.`);
  return best.picture;
}

/** What the outermost state has in common for all others is said in words; its arrows would cross everything. */
const drawnBundles = ({ arrows, root }: Chart): Bundle[] =>
  bundlesOf(arrows).filter(({ from }) => from !== root.path);

function graphOf(chart: Chart, placement: string, seed: number): ElkNode {
  const order = new Map(allStates(chart.root).map(({ path }, index) => [path, index]));
  const nodeOf = (state: ChartState): ElkNode => {
    const node = sizeOf(state, linesOf(chart, state));
    if (state.children.length === 0) return node;
    const dot = { id: dotOf(state.path), width: 2 * DOT_RADIUS, height: 2 * DOT_RADIUS };
    return {
      ...node,
      children: [...state.children.map(nodeOf), ...(state.initial === null ? [] : [dot])],
      layoutOptions: { ...within(placement), ...node.layoutOptions },
    };
  };
  const root = nodeOf(chart.root);
  return {
    ...root,
    edges: [
      ...drawnBundles(chart).map(({ from, to, labels }, index) => ({
        id: `arrow ${index}`,
        sources: [from],
        targets: [to],
        labels: [labelOf(labels)],
        layoutOptions: (order.get(from) ?? 0) < (order.get(to) ?? 0) ? FORWARD : {},
      })),
      ...withInitial(chart.root).map(({ path, initial }) => ({
        id: `initial ${path}`,
        sources: [dotOf(path)],
        targets: [initial ?? ''],
        layoutOptions: INITIAL,
      })),
    ],
    layoutOptions: { ...LAYERED, 'elk.randomSeed': String(seed), ...root.layoutOptions },
  };
}

function pictureOf(chart: Chart, placed: ElkNode): Picture {
  const boxes = boxesOf(placed);
  const boxOf = (id: string): Box => boxes.get(id) ?? { x: 0, y: 0, width: 0, height: 0 };
  const bundles = drawnBundles(chart);
  return {
    width: placed.width ?? 0,
    height: placed.height ?? 0,
    states: allStates(chart.root).map((state) => ({
      state,
      box: boxOf(state.path),
      lines: linesOf(chart, state),
    })),
    arrows: (placed.edges ?? []).map((edge, index) => placedArrow(edge, bundles[index]?.labels ?? [])),
    dots: withInitial(chart.root).map(({ path }) => {
      const { x, y } = boxOf(dotOf(path));
      return { x: x + DOT_RADIUS, y: y + DOT_RADIUS };
    }),
  };
}

const withInitial = (root: ChartState): ChartState[] =>
  allStates(root).filter(({ initial }) => initial !== null);

const labelOf = (labels: readonly string[]) => ({
  text: labels.join('\n'),
  width: widthOf(labels) + 8,
  height: labels.length * TEXT.lineHeight + 4,
});

/** Outer states before those within them, in the order of the chart's file. */
const allStates = (state: ChartState): ChartState[] => [state, ...state.children.flatMap(allStates)];

function linesOf({ arrows, root }: Chart, { path, entry, exit, invokes }: ChartState): string[] {
  return [
    ...entry.map((action) => `entry / ${action}`),
    ...exit.map((action) => `exit / ${action}`),
    ...invokes.map((source) => `invoke ${source}`),
    ...arrows.flatMap((arrow) => {
      if (arrow.from !== path) return [];
      if (arrow.to === null) return [stayingLabel(arrow)];
      return path === root.path ? [`${arrowLabel(arrow)} → ${arrow.to}`] : [];
    }),
  ];
}

const widthOf = (lines: readonly string[]): number =>
  Math.ceil(lines.reduce((longest, line) => Math.max(longest, line.length), 0) * TEXT.charWidth);

function sizeOf({ path, key, children }: ChartState, lines: readonly string[]): ElkNode {
  const width = Math.max(widthOf([key, ...lines]) + 2 * TEXT.padding, 70);
  const height = TEXT.titleHeight + (lines.length === 0 ? 0 : lines.length * TEXT.lineHeight + 6);
  if (children.length === 0) return { id: path, width, height };
  const padding = `[top=${height + 10},left=16,bottom=16,right=16]`;
  const least = {
    'elk.nodeSize.constraints': 'MINIMUM_SIZE',
    'elk.nodeSize.minimum': `(${width},${height})`,
  };
  return { id: path, layoutOptions: { ...least, 'elk.padding': padding } };
}

function boxesOf(node: ElkNode, boxes = new Map<string, Box>()): Map<string, Box> {
  const { id, x = 0, y = 0, width = 0, height = 0 } = node;
  boxes.set(id, { x, y, width, height });
  for (const child of node.children ?? []) boxesOf(child, boxes);
  return boxes;
}

function placedArrow(edge: ElkExtendedEdge, labels: readonly string[]): PlacedArrow {
  const [label] = edge.labels ?? [];
  const [section] = edge.sections ?? [];
  const points =
    section === undefined ? [] : [section.startPoint, ...(section.bendPoints ?? []), section.endPoint];
  return {
    from: edge.sources[0] ?? '',
    to: edge.targets[0] ?? '',
    initial: edge.id.startsWith('initial '),
    points,
    labels,
    labelAt:
      label === undefined
        ? null
        : { x: label.x ?? 0, y: label.y ?? 0, width: label.width ?? 0, height: label.height ?? 0 },
  };
}
