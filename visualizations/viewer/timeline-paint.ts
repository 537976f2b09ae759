import { clockTime, colour } from './elements.ts';
import { type Span, TONES, type Tone } from './model.ts';
import type { ViewState } from './view-state.ts';

/** Paints what the timeline shows. A column of pixels is painted once: many records cost what few do. */

/** Heights: a lane with its label, the label alone, the axis above all. */
export const LANE = 40;
const LABEL = 15;
export const AXIS = 22;
const BAR = LANE - LABEL - 8;

export interface Surface {
  readonly pen: CanvasRenderingContext2D;
  readonly width: number;
  readonly height: number;
  /** Time → x. */
  readonly x: (time: number) => number;
}

export const heightOf = (lanes: number): number => AXIS + Math.max(lanes, 1) * LANE;

/** Everything but the cursor. */
export function paint(surface: Surface, view: ViewState): void {
  const { pen, width, height } = surface;
  pen.font = '12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace';
  pen.textBaseline = 'alphabetic';
  pen.clearRect(0, 0, width, height);
  paintAxis(surface, view.range);
  const { lanes } = view;
  for (const [at, lane] of lanes.entries()) {
    const top = AXIS + at * LANE + LABEL + 2;
    pen.fillStyle = colour('lane');
    pen.fillRect(0, top, width, BAR);
    paintPhases(surface, view, lane, top);
    for (const span of view.spans) if (span.lane === lane) paintSpan(surface, span, top);
    paintTicks(surface, view, lane, top);
    pen.fillStyle = colour('text');
    pen.fillText(view.history?.lanes[lane]?.label ?? '', 4, top - 4, width - 8);
  }
  paintOverlaps(surface, view);
}

function paintAxis({ pen, width, height, x }: Surface, [from, until]: readonly [number, number]): void {
  const step = niceStep((until - from) / Math.max(width / 130, 1));
  pen.fillStyle = colour('muted');
  pen.strokeStyle = colour('line');
  pen.lineWidth = 1;
  for (let time = Math.ceil(from / step) * step; time < until; time += step) {
    const at = Math.round(x(time)) + 0.5;
    pen.beginPath();
    pen.moveTo(at, AXIS - 5);
    pen.lineTo(at, height);
    pen.stroke();
    pen.fillText(step < 1000 ? clockTime(time) : clockTime(time).slice(0, 8), at + 3, 12);
  }
}

/** Tones of phases, as colours of the style sheet; what has none is left as the lane is. */
const TONE_COLOUR: Readonly<Partial<Record<Tone, string>>> = {
  calm: 'calm',
  busy: 'busy',
  leaving: 'leaving',
  bad: 'bad',
};

function paintPhases({ pen, width, x }: Surface, view: ViewState, lane: number, top: number): void {
  const { phases, strings } = view.history as NonNullable<ViewState['history']>;
  let painted = -1;
  for (let at = phases.lane.indexOf(lane); at >= 0 && phases.lane[at] === lane; at += 1) {
    const right = Math.min(x(phases.until[at] ?? 0), width);
    const left = Math.max(x(phases.from[at] ?? 0), 0);
    if (left > width) break;
    // What begins and ends within a column that is painted adds nothing.
    if (right < 0 || (right <= painted && right - left < 1)) continue;
    const tone = TONES[phases.tone[at] ?? 0] ?? 'none';
    const wide = Math.max(right - left, 1);
    painted = left + wide;
    // A leader without a belief was frozen, or is gone: its last word is old.
    if (tone === 'silent' || tone === 'leading') {
      hatch(pen, { left, top, width: wide }, colour('line'));
      continue;
    }
    const name = TONE_COLOUR[tone];
    if (name === undefined) continue;
    pen.fillStyle = colour(name);
    pen.fillRect(left, top, wide, BAR);
    const text = strings[phases.text[at] ?? 0] ?? '';
    if (wide > pen.measureText(text).width + 10) {
      pen.fillStyle = colour('on-phase');
      pen.fillText(text, left + 5, top + 13);
    }
  }
}

/** Solid as long as it was heard of; hatched while only its lease ran. */
function paintSpan({ pen, width, x }: Surface, span: Span, top: number): void {
  const [left, heard, right] = [x(span.from), x(span.heardUntil), x(span.until)];
  if (right < 0 || left > width) return;
  const wide = Math.max(right - left, 1.5);
  pen.fillStyle = colour('leader');
  pen.fillRect(left, top, Math.max(heard - left, 1.5), BAR);
  if (right - heard > 1) hatch(pen, { left: heard, top, width: right - heard }, colour('leader'));
  pen.strokeStyle = colour('leader');
  pen.strokeRect(left + 0.5, top + 0.5, Math.max(wide - 1, 0.5), BAR - 1);
  const seen = Math.max(left, 0);
  const room = Math.min(heard, width) - seen - 10;
  const label = [`term ${span.term} · token ${span.token}`, `term ${span.term}`, String(span.term)].find(
    (text) => pen.measureText(text).width < room,
  );
  if (label === undefined) return;
  pen.fillStyle = colour('on-leader');
  pen.fillText(label, seen + 5, top + 13);
}

function hatch(
  pen: CanvasRenderingContext2D,
  { left, top, width }: { left: number; top: number; width: number },
  stroke: string,
): void {
  pen.save();
  pen.beginPath();
  pen.rect(left, top, width, BAR);
  pen.clip();
  pen.fillStyle = colour('lane');
  pen.fillRect(left, top, width, BAR);
  pen.strokeStyle = stroke;
  pen.lineWidth = 1.5;
  pen.beginPath();
  const right = Math.min(left + width, pen.canvas.width);
  for (let at = Math.max(left, 0) - BAR; at < right; at += 6) {
    pen.moveTo(at, top + BAR);
    pen.lineTo(at + BAR, top);
  }
  pen.stroke();
  pen.restore();
}

/** One for each column of pixels in which the lane has a record. */
function paintTicks({ pen, width, x }: Surface, view: ViewState, lane: number, top: number): void {
  const rows = view.rowsOfLane(lane);
  const times = view.history?.columns.time ?? new Float64Array();
  const [from, until] = view.range;
  pen.fillStyle = colour('mark');
  for (let at = view.countUntil(rows, from); at < rows.length;) {
    const time = times[rows[at] ?? 0] ?? 0;
    if (time > until) break;
    const column = Math.floor(x(time));
    pen.fillRect(column, top + BAR, 1, 4);
    at = Math.max(view.countUntil(rows, from + ((column + 2) / width) * (until - from)), at + 1);
  }
}

function paintOverlaps({ pen, height, x }: Surface, view: ViewState): void {
  const { lanes } = view;
  for (const { first, second, forMs } of view.history?.overlaps ?? []) {
    if (!lanes.includes(first.lane)) continue;
    const left = x(second.from);
    const width = Math.max(x(second.from + forMs) - left, 3);
    pen.fillStyle = colour('overlap');
    pen.globalAlpha = 0.45;
    pen.fillRect(left, AXIS, width, height - AXIS);
    pen.globalAlpha = 1;
    pen.fillRect(left, AXIS - 4, width, 4);
  }
}

/** 1, 2 or 5 times a power of ten, in milliseconds. */
function niceStep(about: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(about, 0.001)));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= about) ?? 10);
}
