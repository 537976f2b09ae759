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
  /** The elements in the page, by row: one that stays in sight is not made again. */
  #drawn = new Map<number, HTMLElement>();
  #due = false;

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => {
      if (part === 'range') return;
      if (part !== 'row') {
        this.#resize();
        this.#forget();
      }
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

  /** What rows say, or where they are, may be otherwise now. */
  #forget(): void {
    for (const element of this.#drawn.values()) element.remove();
    this.#drawn = new Map();
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
    const top = Math.round(this.#list.scrollTop - (exact - first) * ROW);
    if (history === null) return;
    const drawn = new Map<number, HTMLElement>();
    for (let at = first; at < last; at += 1) {
      const row = rows[at] ?? 0;
      const element = this.#drawn.get(row) ?? this.#row(row, at);
      place(element, { top: top + (at - first) * ROW, chosen: row === chosen });
      drawn.set(row, element);
    }
    for (const [row, element] of this.#drawn) if (!drawn.has(row)) element.remove();
    // In their order, which is that in which they are read aloud.
    let next = this.#inner.firstElementChild;
    for (const element of drawn.values())
      if (element === next) next = next.nextElementSibling;
      else this.#inner.insertBefore(element, next);
    this.#drawn = drawn;
    this.#list.setAttribute('aria-activedescendant', `record-${chosen}`);
    this.#list.setAttribute('aria-rowcount', String(rows.length));
  }

  #row(row: number, at: number): HTMLElement {
    const view = this.#view;
    const { columns, members } = view.history as NonNullable<typeof view.history>;
    const [from, to] = [view.text('from', row), view.text('to', row)];
    const effects = view.text('effects', row);
    const cell = (name: string, text: string) => make('span', { class: name, role: 'gridcell' }, text);
    return make(
      'div',
      { id: `record-${row}`, role: 'row', 'data-row': String(row), 'aria-rowindex': String(at + 1) },
      cell('when', clockTime(columns.time[row] ?? 0)),
      cell('who', `${members[columns.member[row] ?? 0]?.label ?? ''}@${columns.seq[row] ?? 0}`),
      cell('event', view.text('event', row)),
      cell('states', from === to ? to : `${from} → ${to}`),
      cell('effects', effects),
    );
  }
}

/** Changes only what is otherwise: what is set is laid out and painted again, even if it is the same. */
function place(
  element: HTMLElement,
  { top, chosen }: { readonly top: number; readonly chosen: boolean },
): void {
  const wanted = { class: chosen ? 'record chosen' : 'record', 'aria-selected': String(chosen) };
  for (const [name, value] of Object.entries(wanted))
    if (element.getAttribute(name) !== value) element.setAttribute(name, value);
  const moved = `translateY(${top}px)`;
  if (element.style.transform !== moved) element.style.transform = moved;
}
