import { arrowLabel, bundlesOf, type Chart, type ChartState, stayingLabel } from './diagram-chart.ts';

/** Mermaid's names may hold letters, digits and underscores only. */
const nameOf = (path: string): string => path.replaceAll(/[^A-Za-z0-9_]/g, '_');

/** What would end a label, begin a comment or an entity, as something else. */
const safe = (text: string): string => text.replaceAll(';', ',').replaceAll('#', '♯').replaceAll('%%', '%');

/**
 * The chart as a Mermaid state diagram, as it renders on GitHub.
 *
 * Mermaid draws an arrow from a state into itself across the labels of others; such arrows become lines of a note.
 *
 * @param header Lines that say how it was made; they become comments.
 */
export function toMermaid(chart: Chart, header: readonly string[]): string {
  const { root } = chart;
  const lines = [...header.map((line) => `%% ${line}`), 'stateDiagram-v2', '  direction TB'];
  // Regions side by side exist only within a state.
  if (root.kind === 'parallel') lines.push(...statesOf(chart, root, '  '));
  else {
    for (const note of notesOf(chart, root)) lines.push(`  %% in every state: ${note}`);
    lines.push(...childrenOf(chart, root, '  '));
  }
  for (const { from, to, labels } of bundlesOf(chart.arrows))
    if (!isWithin(to, from, root))
      lines.push(`  ${nameOf(from)} --> ${nameOf(to)} : ${labels.map(safe).join('<br/>')}`);
  return `${lines.join('\n')}\n`;
}

/** Whether `path` is `outer` or lies in it. */
const isWithin = (path: string, outer: string, root: ChartState): boolean =>
  outer === root.path || path.startsWith(`${outer}.`);

function notesOf({ arrows, root }: Chart, { path, entry, exit, invokes }: ChartState): string[] {
  return [
    ...entry.map((action) => `entry / ${action}`),
    ...exit.map((action) => `exit / ${action}`),
    ...invokes.map((source) => `invoke ${source}`),
    ...arrows.flatMap((arrow) => {
      if (arrow.from !== path) return [];
      if (arrow.to === null) return [stayingLabel(arrow)];
      return isWithin(arrow.to, path, root) ? [`${arrowLabel(arrow)} → ${lastKey(arrow.to)}`] : [];
    }),
  ].map(safe);
}

const lastKey = (path: string): string => path.slice(path.lastIndexOf('.') + 1);

function statesOf(chart: Chart, state: ChartState, indent: string): string[] {
  const name = nameOf(state.path);
  const notes = notesOf(chart, state);
  if (state.children.length === 0) {
    const lines = [`${indent}state "${[state.key, ...notes].join('<br/>')}" as ${name}`];
    return state.kind === 'final' ? [...lines, `${indent}${name} --> [*]`] : lines;
  }
  return [
    `${indent}state "${state.key}" as ${name} {`,
    ...childrenOf(chart, state, `${indent}  `),
    `${indent}}`,
    ...(notes.length === 0 ? [] : [`${indent}note right of ${name} : ${notes.join('<br/>')}`]),
  ];
}

function childrenOf(chart: Chart, { initial, children, kind }: ChartState, indent: string): string[] {
  return [
    ...(initial === null ? [] : [`${indent}[*] --> ${nameOf(initial)}`]),
    ...children.flatMap((child, index) => [
      ...(index > 0 && kind === 'parallel' ? [`${indent}--`] : []),
      ...statesOf(chart, child, indent),
    ]),
  ];
}
