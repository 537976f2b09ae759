import { find, make } from './elements.ts';
import { FLAG } from './model.ts';
import type { Filter, ViewState } from './view-state.ts';

/** Search and filters, always as the view has them. */
export class FilterBar {
  readonly #view: ViewState;
  readonly #search: HTMLInputElement;
  readonly #group = find('#group', HTMLSelectElement);
  readonly #lane = find('#lane', HTMLSelectElement);
  readonly #show = find('#show', HTMLSelectElement);

  constructor(view: ViewState, search: HTMLInputElement) {
    this.#view = view;
    this.#search = search;
    const set = (change: () => Partial<Filter>) => () => view.setFilter(change());
    search.addEventListener(
      'input',
      set(() => ({ text: search.value })),
    );
    this.#group.addEventListener(
      'change',
      set(() => ({ group: this.#group.value || null, lane: null })),
    );
    this.#lane.addEventListener(
      'change',
      set(() => ({ lane: this.#lane.value || null })),
    );
    this.#show.addEventListener(
      'change',
      set(() => ({
        show: Object.keys(FLAG).find((each): each is keyof typeof FLAG => each === this.#show.value) ?? 'all',
      })),
    );
    view.onChange((part) => {
      if (part === 'history' || part === 'filter') this.#update();
    });
  }

  #update(): void {
    const { history, filter, lanes } = this.#view;
    const groups = [...new Set((history?.lanes ?? []).map(({ group }) => group))].toSorted();
    find('#group-label', HTMLElement).hidden = groups.length < 2;
    fill(this.#group, groups, filter.group);
    fill(
      this.#lane,
      lanes.map((lane) => history?.lanes[lane]?.label ?? ''),
      filter.lane,
    );
    this.#show.value = filter.show;
    if (this.#search.value !== filter.text) this.#search.value = filter.text;
  }
}

/** Made anew only when it has to be, since that closes an open list. */
function fill(select: HTMLSelectElement, values: readonly string[], chosen: string | null): void {
  const wanted = ['', ...values];
  if (wanted.join('\n') !== [...select.options].map(({ value }) => value).join('\n'))
    select.replaceChildren(...wanted.map((value) => make('option', { value }, value || 'all')));
  select.value = chosen ?? '';
}
