import { clockTime, colour, find, milliseconds } from './elements.ts';
import type { Span } from './model.ts';
import { lowerBound, type ViewState } from './view-state.ts';

/**
 * A lane for each member on one time axis: bars while it believed that it led, marks where it changed its state,
 * overlaps across all lanes, and a cursor at the chosen record. Drawn on a canvas: many records cost what few do,
 * since a column of pixels is drawn once.
 */

const LANE = 34;
const LABEL = 14;
const AXIS = 22;

export class Timeline {
  readonly #view: ViewState;
  readonly #canvas = find('#timeline', HTMLCanvasElement);
  readonly #hover = find('#hover', HTMLElement);
  #due = false;
  #drag: { readonly x: number; readonly range: readonly [number, number]; moved: boolean } | null = null;

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => {
      if (part === 'row') this.#describe();
      this.draw();
    });
    new ResizeObserver(() => this.draw()).observe(this.#canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.draw());
    this.#canvas.addEventListener('pointerdown', (event) => this.#grab(event));
    this.#canvas.addEventListener('pointermove', (event) => this.#move(event));
    this.#canvas.addEventListener('pointerup', (event) => this.#drop(event));
    this.#canvas.addEventListener('pointerleave', () => (this.#hover.hidden = true));
    this.#canvas.addEventListener('wheel', (event) => this.#zoom(event), { passive: false });
  }

  /** Draws once before the next frame, however often it is asked. */
  draw(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#paint();
    });
  }

  #members(): { readonly index: number; readonly name: string }[] {
    const { history, filter } = this.#view;
    return (history?.members ?? [])
      .map(({ label, resource }, index) => ({ index, name: label, resource }))
      .filter(({ resource }) => filter.resource === null || resource === filter.resource);
  }

  #paint(): void {
    const canvas = this.#canvas;
    const lanes = this.#members();
    const height = AXIS + Math.max(lanes.length, 1) * LANE;
    canvas.style.height = `${height}px`;
    const ratio = devicePixelRatio;
    const width = canvas.clientWidth;
    canvas.width = Math.round(width * ratio);
    canvas.height = Math.round(height * ratio);
    const pen = canvas.getContext('2d');
    if (pen === null || this.#view.history === null) return;
    pen.scale(ratio, ratio);
    pen.font = '12px ui-monospace, "DejaVu Sans Mono", Menlo, Consolas, monospace';
    pen.textBaseline = 'alphabetic';
    this.#paintAxis(pen, width, height);
    for (const [lane, { index, name }] of lanes.entries()) {
      const top = AXIS + lane * LANE;
      pen.fillStyle = colour('lane');
      pen.fillRect(0, top + LABEL + 2, width, LANE - LABEL - 6);
      this.#paintSpans(pen, index, top + LABEL + 2);
      this.#paintMarks(pen, index, { top: top + LABEL + 2, width });
      pen.fillStyle = colour('text');
      pen.fillText(name, 4, top + LABEL - 2, width - 8);
    }
    this.#paintOverlaps(
      pen,
      lanes.map(({ index }) => index),
      height,
    );
    this.#paintCursor(pen, height);
  }

  #x(time: number): number {
    const [from, until] = this.#view.range;
    return ((time - from) / (until - from)) * this.#canvas.clientWidth;
  }

  #time(x: number): number {
    const [from, until] = this.#view.range;
    return from + (x / this.#canvas.clientWidth) * (until - from);
  }

  #paintAxis(pen: CanvasRenderingContext2D, width: number, height: number): void {
    const [from, until] = this.#view.range;
    const step = niceStep((until - from) / Math.max(width / 130, 1));
    pen.fillStyle = colour('muted');
    pen.strokeStyle = colour('line');
    pen.lineWidth = 1;
    for (let time = Math.ceil(from / step) * step; time < until; time += step) {
      const x = Math.round(this.#x(time)) + 0.5;
      pen.beginPath();
      pen.moveTo(x, AXIS - 5);
      pen.lineTo(x, height);
      pen.stroke();
      pen.fillText(clockTime(time), x + 3, 12);
    }
  }

  #paintSpans(pen: CanvasRenderingContext2D, member: number, top: number): void {
    for (const span of this.#view.history?.spans ?? []) {
      if (span.lane !== member) continue;
      const left = this.#x(span.from);
      const width = Math.max(this.#x(span.until) - left, 1.5);
      pen.fillStyle = colour('leader');
      pen.fillRect(left, top, width, LANE - LABEL - 6);
      const label = `term ${span.term} · token ${span.token}`;
      if (width < pen.measureText(label).width + 10) continue;
      pen.fillStyle = colour('on-leader');
      pen.fillText(label, Math.max(left, 0) + 5, top + 11, width - 10);
    }
  }

  #paintMarks(
    pen: CanvasRenderingContext2D,
    member: number,
    { top, width }: { top: number; width: number },
  ): void {
    const { history } = this.#view;
    if (history === null) return;
    const { columns } = history;
    const rows = this.#view.rowsOfResource();
    const [from, until] = this.#view.range;
    let last = -1;
    pen.fillStyle = colour('mark');
    for (let at = lowerBound(rows, Math.max(this.#view.rowAt(from), 0)); at < rows.length; at += 1) {
      const row = rows[at] ?? 0;
      const time = columns.time[row] ?? 0;
      if (time > until) break;
      if (columns.member[row] !== member || columns.from[row] === columns.to[row]) continue;
      const x = Math.round(this.#x(time));
      if (x === last || x < 0 || x > width) continue;
      last = x;
      pen.fillRect(x, top + LANE - LABEL - 11, 1.5, 5);
    }
  }

  #paintOverlaps(pen: CanvasRenderingContext2D, shown: readonly number[], height: number): void {
    for (const { first, second, forMs } of this.#view.history?.overlaps ?? []) {
      if (!shown.includes((first as Span).lane)) continue;
      const left = this.#x(second.from);
      const width = Math.max(this.#x(second.from + forMs) - left, 3);
      pen.fillStyle = colour('overlap');
      pen.globalAlpha = 0.45;
      pen.fillRect(left, AXIS, width, height - AXIS);
      pen.globalAlpha = 1;
      pen.fillRect(left, AXIS - 4, width, 4);
    }
  }

  #paintCursor(pen: CanvasRenderingContext2D, height: number): void {
    const { at } = this.#view;
    if (at === null) return;
    pen.fillStyle = colour('cursor');
    pen.fillRect(Math.round(this.#x(at)) - 1, 0, 2, height);
  }

  /** What the slider says to those who do not see it. */
  #describe(): void {
    const { at, history, row } = this.#view;
    const canvas = this.#canvas;
    canvas.setAttribute('aria-valuemax', String(Math.max((history?.columns.seq.length ?? 1) - 1, 0)));
    canvas.setAttribute('aria-valuenow', String(Math.max(row, 0)));
    const leading = (history?.spans ?? []).filter(
      ({ from, until }) => at !== null && from <= at && at < until,
    );
    const who = leading.map(({ lane }) => history?.members[lane]?.label).join(' and ') || 'nobody';
    canvas.setAttribute('aria-valuetext', at === null ? 'nothing chosen' : `${clockTime(at)}, ${who} leads`);
  }

  #grab(event: PointerEvent): void {
    this.#canvas.setPointerCapture(event.pointerId);
    this.#drag = { x: event.offsetX, range: this.#view.range, moved: false };
    if (!event.shiftKey) this.#view.choose(this.#view.rowAt(this.#time(event.offsetX)));
  }

  #move(event: PointerEvent): void {
    this.#tell(event);
    const drag = this.#drag;
    if (drag === null) return;
    drag.moved ||= Math.abs(event.offsetX - drag.x) > 3;
    if (!drag.moved) return;
    if (!event.shiftKey) {
      this.#view.choose(this.#view.rowAt(this.#time(event.offsetX)));
      return;
    }
    const [from, until] = drag.range;
    const by = ((drag.x - event.offsetX) / this.#canvas.clientWidth) * (until - from);
    this.#view.setRange(from + by, until + by);
  }

  #drop(event: PointerEvent): void {
    this.#canvas.releasePointerCapture(event.pointerId);
    this.#drag = null;
  }

  #zoom(event: WheelEvent): void {
    event.preventDefault();
    const [from, until] = this.#view.range;
    if (event.shiftKey || Math.abs(event.deltaX) > Math.abs(event.deltaY)) {
      const by = ((event.deltaX || event.deltaY) / this.#canvas.clientWidth) * (until - from);
      this.#view.setRange(from + by, until + by);
      return;
    }
    const centre = this.#time(event.offsetX);
    const factor = Math.exp(event.deltaY * 0.0015);
    this.#view.setRange(centre - (centre - from) * factor, centre + (until - centre) * factor);
  }

  #tell(event: PointerEvent): void {
    const time = this.#time(event.offsetX);
    const { history } = this.#view;
    const lane = this.#members()[Math.floor((event.offsetY - AXIS) / LANE)];
    const span = (history?.spans ?? []).find(
      (each) => each.lane === lane?.index && each.from <= time && time < each.until,
    );
    const [start] = this.#view.whole();
    const parts = [clockTime(time), `+${milliseconds(time - start)}`];
    if (lane !== undefined)
      parts.push(
        span === undefined
          ? `${lane.name} does not lead`
          : `${lane.name} leads: term ${span.term}, token ${span.token}, until ${span.end}`,
      );
    this.#hover.textContent = parts.join('  ');
    this.#hover.hidden = history === null;
  }
}

/** 1, 2 or 5 times a power of ten, in milliseconds. */
function niceStep(about: number): number {
  const power = 10 ** Math.floor(Math.log10(Math.max(about, 0.001)));
  return power * ([1, 2, 5, 10].find((factor) => factor * power >= about) ?? 10);
}
