import { clockTime, find, milliseconds, make, sayEach } from './elements.ts';
import type { Overlap } from '../../src/election/beliefs.ts';
import type { Span } from './model.ts';
import { endOf } from './timeline.ts';
import type { ViewState } from './view-state.ts';

/** A table of more terms is no help; the newest are listed, the timeline has all. */
const ROWS_MAX = 500;

/** Terms and overlaps as a table: each leads to its place. */
export class SummaryView {
  readonly #view: ViewState;
  readonly #terms = find('#terms', HTMLElement);
  readonly #table = find('#terms-table', HTMLElement);
  readonly #verdict = find('#verdict', HTMLElement);
  readonly #notices = find('#notices', HTMLElement);
  /** The terms in the table, in order. */
  #listed: readonly Span[] = [];

  constructor(view: ViewState) {
    this.#view = view;
    this.#terms.addEventListener('click', (event) => {
      const button = (event.target as Element).closest('button');
      const span = this.#listed[[...this.#terms.children].findIndex((row) => row.contains(button))];
      if (button !== null && span !== undefined) view.choose(view.rowAt(span.from));
    });
    view.onChange((part) => {
      if (part === 'history' || part === 'filter') this.#show();
    });
  }

  #show(): void {
    const { history, spans, lanes } = this.#view;
    const overlaps = (history?.overlaps ?? []).filter(({ first }) => lanes.includes(first.lane));
    this.#verdict.className = overlaps.length === 0 ? 'good' : 'bad';
    this.#verdict.textContent = verdictOf(spans, overlaps);
    this.#table.hidden = spans.length === 0;
    const previous = previousOf(spans);
    const hidden = Math.max(spans.length - ROWS_MAX, 0);
    this.#listed = spans.slice(hidden);
    const rows = [...this.#terms.children];
    for (const [index, span] of this.#listed.entries())
      this.#fill(rows[index] ?? this.#newRow(), span, previous[hidden + index], overlaps);
    for (const gone of rows.slice(this.#listed.length)) gone.remove();
    sayEach(this.#notices, history?.notices ?? []);
  }

  /** Rows stay as records come, so that the button with the focus keeps it. */
  #newRow(): HTMLElement {
    const row = make('tr', {}, make('td', {}, make('button', { type: 'button' })));
    row.append(...Array.from({ length: 6 }, () => make('td')));
    this.#terms.append(row);
    return row;
  }

  #fill(row: Element, span: Span, before: Span | undefined, overlaps: readonly Overlap<Span>[]): void {
    const overlapped = overlaps.some(
      ({ second }) => second.from === span.from && second.stream === span.stream,
    );
    row.className = overlapped ? 'overlap' : '';
    const jump = row.querySelector('button');
    jump?.setAttribute('data-term', String(span.term));
    const cells = [
      clockTime(span.from),
      this.#view.history?.members[span.life]?.label ?? '',
      String(span.term),
      span.token,
      milliseconds(span.until - span.from),
      this.#end(span),
      before === undefined ? '' : milliseconds(span.from - before.until),
    ];
    for (const [at, text] of cells.entries()) {
      const place = at === 0 ? jump : row.children[at];
      if (place?.textContent !== text) place?.replaceChildren(text);
    }
  }

  /** A belief that outlives all records has not lapsed: nobody knows more yet. */
  #end({ end, until }: Span): string {
    const newest = this.#view.history?.columns.time.at(-1) ?? 0;
    return end === 'lapsed' && until > newest ? 'leads as far as told' : endOf(end);
  }
}

/** The term of the same resource before each. */
function previousOf(spans: readonly Span[]): (Span | undefined)[] {
  const last = new Map<string, Span>();
  return spans.map((span) => {
    const before = last.get(span.resource);
    last.set(span.resource, span);
    return before;
  });
}

function verdictOf(spans: readonly Span[], overlaps: readonly Overlap<Span>[]): string {
  if (spans.length === 0) return 'No term in these records';
  const terms = spans.length === 1 ? 'One term' : `${spans.length} terms`;
  if (overlaps.length === 0) return `${terms}; never two that believed at once`;
  const times = overlaps.length === 1 ? 'Once' : `${overlaps.length} times`;
  const sum = milliseconds(overlaps.reduce((total, { forMs }) => total + forMs, 0));
  if (overlaps.every(({ first, second }) => first.host !== second.host))
    return `${times} members of different hosts may have believed at once, ${sum} in all (${terms}): no more certain than their clocks`;
  return `${times} two members believed at once, ${sum} in all (${terms})`;
}
