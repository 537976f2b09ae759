import { clockTime, find, make } from './elements.ts';
import { lowerBound, type ViewState } from './view-state.ts';

/** The records that pass the filter, of which only those in sight are in the page. */

const ROW = 26;
/** Rows beyond the edges, so that a quick scroll shows no gap. */
const SPARE = 8;
/** Browsers do not scroll further than this many pixels; longer lists are scrolled in proportion. */
const SCROLL_MAX = 8_000_000;

export class RecordList {
  readonly #view: ViewState;
  readonly #list = find('#records', HTMLElement);
  readonly #inner = find('#records-inner', HTMLElement);
  readonly #count = find('#count', HTMLElement);
  #due = false;

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => {
      if (part === 'range') return;
      if (part !== 'row') this.#resize();
      this.#reveal();
      this.#later();
    });
    this.#list.addEventListener('scroll', () => this.#later());
    new ResizeObserver(() => {
      this.#reveal();
      this.#later();
    }).observe(this.#list);
    this.#list.addEventListener('click', (event) => {
      const row = (event.target as Element).closest('[data-row]')?.getAttribute('data-row');
      if (row !== null && row !== undefined) view.choose(Number(row));
    });
  }

  #later(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#draw();
    });
  }

  get #height(): number {
    return Math.min(this.#view.rows.length * ROW, SCROLL_MAX);
  }

  #resize(): void {
    const { rows, history } = this.#view;
    this.#inner.style.height = `${this.#height}px`;
    const all = history === null ? 0 : this.#view.rowsOfGroup.length;
    const counted = (count: number) => count.toLocaleString('en');
    this.#count.textContent =
      rows.length === all ? `${counted(all)} records` : `${counted(rows.length)} of ${counted(all)} records`;
  }

  /** Index of the first row in sight, fractions included. */
  #first(): number {
    const inSight = this.#list.clientHeight / ROW;
    const range = Math.max(this.#height - this.#list.clientHeight, 1);
    return (this.#list.scrollTop / range) * Math.max(this.#view.rows.length - inSight, 0);
  }

  #reveal(): void {
    const { rows, row } = this.#view;
    const at = lowerBound(rows, row);
    const inSight = this.#list.clientHeight / ROW;
    const first = this.#first();
    if (at >= first + 1 && at < first + inSight - 2) return;
    const range = Math.max(this.#height - this.#list.clientHeight, 0);
    const wanted = Math.max(at - inSight / 2, 0) / Math.max(rows.length - inSight, 1);
    this.#list.scrollTop = wanted * range;
  }

  #draw(): void {
    const { rows, history, row: chosen } = this.#view;
    const inSight = this.#list.clientHeight / ROW;
    const exact = this.#first();
    const first = Math.max(Math.floor(exact) - SPARE, 0);
    const last = Math.min(Math.ceil(exact + inSight) + SPARE, rows.length);
    const top = this.#list.scrollTop - (exact - first) * ROW;
    const drawn: HTMLElement[] = [];
    if (history === null) return;
    for (let at = first; at < last; at += 1) {
      const row = rows[at] ?? 0;
      drawn.push(this.#row(row, { top: top + (at - first) * ROW, at, chosen: row === chosen }));
    }
    this.#inner.replaceChildren(...drawn);
    this.#list.setAttribute('aria-activedescendant', `record-${chosen}`);
    this.#list.setAttribute('aria-rowcount', String(rows.length));
  }

  #row(row: number, { top, at, chosen }: { top: number; at: number; chosen: boolean }): HTMLElement {
    const view = this.#view;
    const { columns, members } = view.history as NonNullable<typeof view.history>;
    const [from, to] = [view.text('from', row), view.text('to', row)];
    const effects = view.text('effects', row);
    const cell = (name: string, text: string) => make('span', { class: name, role: 'gridcell' }, text);
    const element = make(
      'div',
      {
        id: `record-${row}`,
        role: 'row',
        'data-row': String(row),
        'aria-rowindex': String(at + 1),
        'aria-selected': String(chosen),
        class: chosen ? 'record chosen' : 'record',
      },
      cell('when', clockTime(columns.time[row] ?? 0)),
      cell('who', `${members[columns.member[row] ?? 0]?.label ?? ''}@${columns.seq[row] ?? 0}`),
      cell('event', view.text('event', row)),
      cell('states', from === to ? to : `${from} → ${to}`),
      cell('effects', effects),
    );
    element.style.transform = `translateY(${top}px)`;
    return element;
  }
}
