import { clockTime, find, milliseconds } from './elements.ts';
import { AXIS, heightOf, LANE, paint } from './timeline-paint.ts';
import type { ViewState } from './view-state.ts';

/**
 * A lane for each member on one time axis: what it was about, bars while it believed that it led, overlaps across all
 * lanes, and a cursor at the chosen record, which lies above: moving it paints nothing again.
 */
export class Timeline {
  readonly #view: ViewState;
  readonly #canvas = find('#timeline', HTMLCanvasElement);
  readonly #hover = find('#hover', HTMLElement);
  readonly #cursor = find('#cursor', HTMLElement);
  #stale = true;
  #due = false;
  #drag: { readonly x: number; readonly range: readonly [number, number]; moved: boolean } | null = null;

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => this.#draw(part !== 'row'));
    new ResizeObserver(() => this.#draw(true)).observe(this.#canvas);
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => this.#draw(true));
    this.#canvas.addEventListener('pointerdown', (event) => this.#grab(event));
    this.#canvas.addEventListener('pointermove', (event) => this.#move(event));
    this.#canvas.addEventListener('pointerup', (event) => this.#drop(event));
    this.#canvas.addEventListener('pointercancel', () => (this.#drag = null));
    this.#canvas.addEventListener('pointerleave', () => (this.#hover.textContent = ''));
    this.#canvas.addEventListener('wheel', (event) => this.#zoom(event), { passive: false });
  }

  /** Draws once before the next frame, however often it is asked. */
  #draw(stale: boolean): void {
    this.#stale ||= stale;
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#paint();
    });
  }

  #paint(): void {
    const view = this.#view;
    const canvas = this.#canvas;
    if (view.history === null) return;
    const height = heightOf(view.lanes.length);
    const width = canvas.clientWidth;
    const ratio = devicePixelRatio;
    const size = { width: Math.round(width * ratio), height: Math.round(height * ratio) };
    if (this.#stale || canvas.width !== size.width || canvas.height !== size.height) {
      this.#stale = false;
      canvas.style.height = `${height}px`;
      Object.assign(canvas, size);
      const pen = canvas.getContext('2d');
      pen?.scale(ratio, ratio);
      if (pen !== null) paint({ pen, width, height, x: (time) => this.#x(time) }, view);
    }
    const x = view.at === null ? -1 : this.#x(view.at);
    this.#cursor.hidden = x < 0 || x > width;
    this.#cursor.style.height = `${height}px`;
    this.#cursor.style.transform = `translateX(${Math.round(x) - 1}px)`;
  }

  #x(time: number): number {
    const [from, until] = this.#view.range;
    return ((time - from) / (until - from)) * this.#canvas.clientWidth;
  }

  #time(x: number): number {
    const [from, until] = this.#view.range;
    return from + (x / this.#canvas.clientWidth) * (until - from);
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

  /** What is under the pointer. */
  #tell(event: PointerEvent): void {
    const time = this.#time(event.offsetX);
    const view = this.#view;
    const { history } = view;
    const lane = view.lanes[Math.floor((event.offsetY - AXIS) / LANE)];
    const { start } = view;
    const parts = [clockTime(time), `+${milliseconds(time - start)}`];
    if (lane !== undefined && history !== null) {
      const { label = '', machine = '' } = history.lanes[lane] ?? {};
      const span = view.leadingAt(time).find((each) => each.lane === lane);
      if (span !== undefined)
        parts.push(`${label} leads: term ${span.term}, token ${span.token}, ${endOf(span.end)}`);
      else if (machine === 'leadership') parts.push(`${label} does not lead`);
      else parts.push(label);
    }
    this.#hover.textContent = parts.join('  ');
  }
}

const ENDS: Readonly<Record<string, string>> = {
  closed: 'given up',
  lapsed: 'lapsed unheard',
  killed: 'killed',
};

export const endOf = (end: string): string => ENDS[end] ?? end;
