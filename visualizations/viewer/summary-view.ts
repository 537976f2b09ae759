import { clockTime, find, make, milliseconds } from './elements.ts';
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

  constructor(view: ViewState) {
    this.#view = view;
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
    this.#terms.replaceChildren(
      ...spans.slice(hidden).map((span, index) => this.#row(span, previous[hidden + index], overlaps)),
    );
    this.#notices.replaceChildren(
      ...(history?.notices ?? []).map((notice) => make('p', { role: 'status' }, notice)),
    );
  }

  #row(span: Span, before: Span | undefined, overlaps: readonly Overlap<Span>[]): HTMLElement {
    const overlapped = overlaps.some(
      ({ second }) => second.from === span.from && second.stream === span.stream,
    );
    const jump = make('button', { type: 'button', 'data-term': String(span.term) }, clockTime(span.from));
    jump.addEventListener('click', () => this.#view.choose(this.#view.rowAt(span.from)));
    const cells = [
      jump,
      this.#view.history?.members[span.life]?.label ?? '',
      String(span.term),
      span.token,
      milliseconds(span.until - span.from),
      endOf(span.end),
      before === undefined ? '' : milliseconds(span.from - before.until),
    ];
    return make('tr', overlapped ? { class: 'overlap' } : {}, ...cells.map((cell) => make('td', {}, cell)));
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
