import { clockTime, find, make, milliseconds } from './elements.ts';
import type { Span } from './model.ts';
import type { ViewState } from './view-state.ts';

/** Terms and overlaps as a table: each leads to its place. */
export class SummaryView {
  readonly #view: ViewState;
  readonly #terms = find('#terms', HTMLElement);
  readonly #verdict = find('#verdict', HTMLElement);
  readonly #notices = find('#notices', HTMLElement);

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => {
      if (part === 'history' || part === 'filter') this.#show();
    });
  }

  /** Terms of the shown resource, in order. */
  spans(): readonly Span[] {
    const { history, filter } = this.#view;
    return (history?.spans ?? []).filter(
      ({ resource }) => filter.resource === null || resource === filter.resource,
    );
  }

  #show(): void {
    const { history, filter } = this.#view;
    const spans = this.spans();
    const overlaps = (history?.overlaps ?? []).filter(
      ({ first }) => filter.resource === null || first.resource === filter.resource,
    );
    this.#verdict.className = overlaps.length === 0 ? 'good' : 'bad';
    this.#verdict.textContent =
      overlaps.length === 0
        ? `${spans.length === 1 ? 'One term' : `${spans.length} terms`}; never two that believed at once`
        : `${overlaps.length} times two members believed at once, ${milliseconds(overlaps.reduce((sum, { forMs }) => sum + forMs, 0))} in all`;
    this.#terms.replaceChildren(
      ...spans.map((span, at) => {
        const before = spans[at - 1];
        const gap = before === undefined ? '' : milliseconds(span.from - before.until);
        const overlapped = overlaps.some(
          ({ second }) => second.from === span.from && second.stream === span.stream,
        );
        const jump = make('button', { type: 'button', 'data-term': String(span.term) }, clockTime(span.from));
        jump.addEventListener('click', () => this.#view.choose(this.#view.rowAt(span.from)));
        const cells = [
          jump,
          history?.members[span.lane]?.label ?? '',
          String(span.term),
          span.token,
          milliseconds(span.until - span.from),
          span.end,
          gap,
        ];
        return make(
          'tr',
          overlapped ? { class: 'overlap' } : {},
          ...cells.map((cell) => make('td', {}, cell)),
        );
      }),
    );
    this.#notices.replaceChildren(
      ...(history?.notices ?? []).map((notice) => make('p', { role: 'status' }, notice)),
    );
  }
}
