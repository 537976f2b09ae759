import { find, make } from './elements.ts';
import type { ViewState } from './view-state.ts';

/** The chart with the active states lit: those of the member whose record is chosen, or of the one picked. */

/** SVG texts by the id of the chart; put there when the page is made. */
declare const CHART_PICTURES: Readonly<Record<string, string>>;

export class ChartView {
  readonly #view: ViewState;
  readonly #place = find('#chart', HTMLElement);
  readonly #members = find('#members', HTMLElement);
  readonly #said = find('#chart-said', HTMLElement);
  #machine: string | null = null;
  /** The member whose states are shown, if not that of the chosen record. */
  #picked: number | null = null;

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => {
      if (part === 'history') this.#picked = null;
      if (part !== 'range') this.#show();
    });
  }

  /** Shows the states of another member; null for the one of the chosen record. */
  pick(member: number | null): void {
    this.#picked = member;
    this.#show();
  }

  #show(): void {
    const { history, row, filter } = this.#view;
    if (history === null || row < 0) {
      this.#place.replaceChildren();
      this.#members.replaceChildren();
      this.#said.textContent = '';
      this.#machine = null;
      return;
    }
    const member = this.#picked ?? history.columns.member[row] ?? 0;
    const states = this.#view.statesAt(row);
    const { machine = '', label = '' } = history.members[member] ?? {};
    this.#draw(machine);
    const state = states[member] ?? null;
    this.#light(state);
    this.#said.textContent = `${label}: ${this.#told(member, state)}`;
    this.#members.replaceChildren(
      ...history.members.flatMap((each, index) => {
        if (filter.resource !== null && each.resource !== filter.resource) return [];
        const button = make(
          'button',
          { type: 'button', 'aria-pressed': String(index === member), 'data-member': String(index) },
          make('strong', {}, each.label),
          ` ${this.#told(index, states[index] ?? null)}`,
        );
        button.addEventListener('click', () => this.pick(index === this.#picked ? null : index));
        return [button];
      }),
    );
  }

  /** A process that was killed or frozen records nothing more: its last word may be older than its belief. */
  #told(member: number, state: string | null): string {
    const { at, history } = this.#view;
    if (state === null) return 'nothing recorded yet';
    const believes = history?.spans.some(
      ({ lane, from, until }) => lane === member && at !== null && from <= at && at < until,
    );
    return state.startsWith('leader') && believes === false ? `${state}, but its belief has lapsed` : state;
  }

  #draw(machine: string): void {
    if (this.#machine === machine) return;
    this.#machine = machine;
    const picture = CHART_PICTURES[machine];
    if (picture === undefined) {
      this.#place.replaceChildren(
        make(
          'p',
          {},
          `There is no picture of the chart "${machine}" in this page; its states are listed above.`,
        ),
      );
      return;
    }
    const svg = new DOMParser().parseFromString(picture, 'image/svg+xml').documentElement;
    svg.removeAttribute('width');
    svg.removeAttribute('height');
    this.#place.replaceChildren(document.adoptNode(svg));
  }

  /** `leader.held` lights the state and all it is in. */
  #light(state: string | null): void {
    const lit = new Set<string>();
    for (const path of state?.split('+') ?? []) {
      const parts = path.split('.');
      for (const depth of parts.keys()) lit.add(parts.slice(0, depth + 1).join('.'));
    }
    let leaf: Element | null = null;
    for (const element of this.#place.querySelectorAll('[data-state]')) {
      const active = lit.has(element.getAttribute('data-state') ?? '');
      element.classList.toggle('active', active);
      if (active) leaf = element;
    }
    const { clientHeight, clientWidth } = this.#place;
    const box = leaf?.getBoundingClientRect();
    const frame = this.#place.getBoundingClientRect();
    // Only the frame of the chart moves, never the page.
    if (box === undefined || clientHeight === 0) return;
    this.#place.scrollTop += box.top - frame.top - (clientHeight - box.height) / 2;
    this.#place.scrollLeft += box.left - frame.left - (clientWidth - box.width) / 2;
  }
}
