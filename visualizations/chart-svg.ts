import {
  DOT_RADIUS,
  type Box,
  type Picture,
  type PlacedArrow,
  type PlacedState,
  type Point,
  TEXT,
} from './chart-layout.ts';

/** Room around everything. */
const MARGIN = 12;
/** How round the corners of arrows and boxes are. */
const CORNER = 7;
const HEAD = { length: 8, halfWidth: 4 } as const;

/** Colours by role: light, dark. Checked for contrast of at least 4.5 to 1 for text. */
const COLOURS = {
  background: ['#ffffff', '#0d1117'],
  outer: ['#f5f7fa', '#131922'],
  inner: ['#ffffff', '#1c2430'],
  border: ['#8c98a8', '#5b6878'],
  title: ['#1a2230', '#e8edf4'],
  line: ['#4a5668', '#a9b5c5'],
  arrow: ['#66758a', '#8493a8'],
  event: ['#0550ae', '#79b8ff'],
  wait: ['#9a3f00', '#f0a35e'],
  guard: ['#57606a', '#9aa6b5'],
} as const;

type Role = keyof typeof COLOURS;

function styles(scheme: 0 | 1): string {
  const of = (role: Role) => COLOURS[role][scheme];
  return [
    `.background{fill:${of('background')}}`,
    `.compound>rect{fill:${of('outer')};stroke:${of('border')}}`,
    `.leaf>rect{fill:${of('inner')};stroke:${of('border')}}`,
    `.compound>text,.event{stroke:${of('outer')}}.leaf>text{stroke:${of('inner')}}`,
    `.final>rect+rect{fill:none;stroke:${of('border')}}`,
    `.title{fill:${of('title')}}`,
    `.line{fill:${of('line')}}`,
    `.dot{fill:${of('title')}}`,
    `.way{stroke:${of('arrow')}}`,
    `.head{fill:${of('arrow')}}`,
    `.event{fill:${of('event')}}`,
    `.wait{fill:${of('wait')}}`,
    `.guard{fill:${of('guard')}}`,
  ].join('');
}

/**
 * Draws a chart as SVG that follows the reader's light or dark scheme. Each state is a group with `data-state`, each
 * arrow one with `data-from` and `data-to`, so that a viewer can mark them.
 *
 * @param header Lines that say how it was made; they become a comment.
 */
export function toSvg(name: string, picture: Picture, header: readonly string[]): string {
  const width = Math.ceil(picture.width) + 2 * MARGIN;
  const height = Math.ceil(picture.height) + 2 * MARGIN;
  const parts = [
    `<!--\n${header.map((line) => `  ${line}\n`).join('')}-->`,
    `<svg xmlns="http://www.w3.org/2000/svg" width="${width}" height="${height}" viewBox="0 0 ${width} ${height}" role="img" aria-labelledby="title">`,
    `<title id="title">Statechart ${escape(name)}</title>`,
    `<style>text{font:${TEXT.size}px ui-monospace,"DejaVu Sans Mono",Menlo,Consolas,monospace;white-space:pre}.title,.line,.event{paint-order:stroke;stroke-width:4px;stroke-linejoin:round}.title{font-weight:bold}.way{fill:none}${styles(0)}@media(prefers-color-scheme:dark){${styles(1)}}</style>`,
    `<rect class="background" width="${width}" height="${height}"/>`,
    `<g transform="translate(${MARGIN} ${MARGIN})">`,
    ...picture.states.map(shapeOf),
    ...picture.dots.map(({ x, y }) => `<circle class="dot" cx="${at(x)}" cy="${at(y)}" r="${DOT_RADIUS}"/>`),
    ...picture.arrows.map(arrowGroup),
    '<g class="compound">',
    ...picture.states.filter(({ state }) => state.children.length > 0).map(wordsOf),
    '</g><g class="leaf">',
    ...picture.states.filter(({ state }) => state.children.length === 0).map(wordsOf),
    '</g>',
    '</g>',
    '</svg>',
  ];
  return `${parts.join('\n')}\n`;
}

function shapeOf({ state, box }: PlacedState): string {
  const kind = state.children.length === 0 ? 'leaf' : 'compound';
  const isFinal = state.kind === 'final';
  return [
    `<g class="state ${kind}${isFinal ? ' final' : ''}" data-state="${escape(state.path)}">`,
    rect(box, 0),
    ...(isFinal ? [rect(box, 3)] : []),
    '</g>',
  ].join('');
}

/** Written above the arrows, so that none strikes a name out. */
function wordsOf({ state, lines, box: { x, y } }: PlacedState): string {
  const left = x + TEXT.padding;
  const top = y + TEXT.titleHeight + 12;
  return [
    text('title', left, y + 18, escape(state.key)),
    ...lines.map((line, index) => text('line', left, top + index * TEXT.lineHeight, escape(line))),
  ].join('');
}

function arrowGroup({ from, to, initial, points, labels, labelAt }: PlacedArrow): string {
  const group = initial
    ? '<g class="arrow">'
    : `<g class="arrow" data-from="${escape(from)}" data-to="${escape(to)}">`;
  const label =
    labelAt === null
      ? []
      : labels.map((line, index) =>
          text('event', labelAt.x + 4, labelAt.y + 13 + index * TEXT.lineHeight, coloured(line)),
        );
  return [group, `<path class="way" d="${roundedPath(points)}"/>`, arrowHead(points), ...label, '</g>'].join(
    '',
  );
}

/** Events, waits and guards in colours of their own. */
function coloured(label: string): string {
  const [, cause = label, guard = ''] = /^(.*?)( \[.*\])?$/.exec(label) ?? [];
  const isWait = /^(after|always|done|error)\b/.test(cause);
  const what = isWait ? `<tspan class="wait">${escape(cause)}</tspan>` : escape(cause);
  return guard === '' ? what : `${what}<tspan class="guard">${escape(guard)}</tspan>`;
}

const at = (value: number): string => String(Math.round(value * 10) / 10);

function rect({ x, y, width, height }: Box, inset: number): string {
  const size = `width="${at(width - 2 * inset)}" height="${at(height - 2 * inset)}"`;
  return `<rect x="${at(x + inset)}" y="${at(y + inset)}" ${size} rx="${CORNER - inset}"/>`;
}

const text = (role: string, x: number, y: number, content: string): string =>
  `<text class="${role}" x="${at(x)}" y="${at(y)}">${content}</text>`;

const escape = (plain: string): string =>
  plain.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;');

/** The point `distance` away from `from` towards `to`, at most half of the way. */
function towards(from: Point, to: Point, distance: number): Point {
  const length = Math.hypot(to.x - from.x, to.y - from.y);
  const share = length === 0 ? 0 : Math.min(distance / length, 0.5);
  return { x: from.x + (to.x - from.x) * share, y: from.y + (to.y - from.y) * share };
}

function roundedPath(points: readonly Point[]): string {
  return points
    .map((point, index) => {
      const before = points[index - 1];
      const after = points[index + 1];
      if (before === undefined) return `M${at(point.x)} ${at(point.y)}`;
      if (after === undefined) return `L${at(point.x)} ${at(point.y)}`;
      const into = towards(point, before, CORNER);
      const out = towards(point, after, CORNER);
      return `L${at(into.x)} ${at(into.y)}Q${at(point.x)} ${at(point.y)} ${at(out.x)} ${at(out.y)}`;
    })
    .join('');
}

/** A triangle at the end; arrows arrive straight down, up or from a side. */
function arrowHead(points: readonly Point[]): string {
  const end = points.at(-1);
  const before = points.at(-2);
  if (end === undefined || before === undefined) return '';
  const length = Math.hypot(end.x - before.x, end.y - before.y) || 1;
  const dx = (end.x - before.x) / length;
  const dy = (end.y - before.y) / length;
  const back = { x: end.x - dx * HEAD.length, y: end.y - dy * HEAD.length };
  const corners = [
    end,
    { x: back.x - dy * HEAD.halfWidth, y: back.y + dx * HEAD.halfWidth },
    { x: back.x + dy * HEAD.halfWidth, y: back.y - dx * HEAD.halfWidth },
  ];
  return `<path class="head" d="M${corners.map(({ x, y }) => `${at(x)} ${at(y)}`).join('L')}Z"/>`;
}
