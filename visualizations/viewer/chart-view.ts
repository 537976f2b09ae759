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
  readonly #whole = find('#chart-whole', HTMLButtonElement);
  #machine: string | null = null;
  /** Label of the lane whose states are shown, if not that of the chosen record. */
  #picked: string | null = null;
  /** What is lit, so that the same is not lit, and looked for, again. */
  #lit: string | null = null;
  #due = false;

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => {
      if (part !== 'range') this.#later();
    });
    this.#whole.addEventListener('click', () => {
      const whole = this.#whole.getAttribute('aria-pressed') !== 'true';
      this.#whole.setAttribute('aria-pressed', String(whole));
      this.#place.classList.toggle('whole', whole);
      this.#lit = null;
      this.#later();
    });
    new ResizeObserver(() => {
      this.#lit = null;
      this.#later();
    }).observe(this.#place);
    this.#members.addEventListener('click', (event) => {
      const label = (event.target as Element).closest('[data-lane]')?.getAttribute('data-lane') ?? null;
      if (label === null) return;
      this.#picked = label === this.#picked ? null : label;
      this.#later();
    });
  }

  /** Once before the next frame, however often it is asked. */
  #later(): void {
    if (this.#due) return;
    this.#due = true;
    requestAnimationFrame(() => {
      this.#due = false;
      this.#show();
    });
  }

  #show(): void {
    const { history, row } = this.#view;
    if (history === null || row < 0) {
      this.#place.replaceChildren();
      this.#members.replaceChildren();
      this.#said.textContent = '';
      this.#machine = null;
      return;
    }
    const chosen = history.columns.member[row] ?? 0;
    const picked = history.lanes.findIndex(({ label }) => label === this.#picked);
    const lane = picked >= 0 ? picked : (history.members[chosen]?.lane ?? 0);
    const { machine = '', label = '' } = history.lanes[lane] ?? {};
    this.#draw(machine);
    const [state, from] = this.#view.stateOf(lane, row);
    this.#light(state, lane === history.members[chosen]?.lane ? from : null);
    this.#said.textContent = `${label}: ${this.#told(lane, state)}`;
    this.#list(lane);
  }

  /** The buttons stay, so that the one with the focus keeps it. */
  #list(shown: number): void {
    const { lanes, history, row } = this.#view;
    const places = [...this.#members.children] as HTMLElement[];
    for (const [at, lane] of lanes.entries()) {
      const { label = '' } = history?.lanes[lane] ?? {};
      const button = places[at] ?? make('button', { type: 'button' });
      if (button.parentElement === null) this.#members.append(button);
      button.setAttribute('data-lane', label);
      button.setAttribute('aria-pressed', String(lane === shown));
      const [state] = this.#view.stateOf(lane, row);
      const told = ` ${this.#told(lane, state)}`;
      if (button.textContent !== label + told) button.replaceChildren(make('strong', {}, label), told);
    }
    for (const gone of places.slice(lanes.length)) gone.remove();
  }

  /** A process that was killed or frozen records nothing more: its last word may be older than its belief. */
  #told(shown: number, state: string | null): string {
    const { at, history } = this.#view;
    if (state === null) return 'nothing recorded yet';
    const believes = history?.spans.some(
      ({ lane, from, until }) => lane === shown && at !== null && from <= at && at < until,
    );
    return state.startsWith('leader') && believes === false ? `${state}, but its belief has lapsed` : state;
  }

  #draw(machine: string): void {
    if (this.#machine === machine) return;
    this.#machine = machine;
    this.#lit = null;
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
    this.#place.replaceChildren(document.adoptNode(svg));
  }

  /** `leader.held` lights the state and all it is in, and the arrow by which it came there. */
  #light(state: string | null, from: string | null): void {
    const wanted = `${state ?? ''} ${from ?? ''}`;
    if (this.#lit === wanted) return;
    this.#lit = wanted;
    const lit = pathsOf(state);
    const left = pathsOf(from);
    let leaf: Element | null = null;
    for (const element of this.#place.querySelectorAll('[data-state]')) {
      const active = lit.has(element.getAttribute('data-state') ?? '');
      element.classList.toggle('active', active);
      if (active) leaf = element;
    }
    for (const arrow of this.#place.querySelectorAll('[data-from]')) {
      const [source, target] = [arrow.getAttribute('data-from') ?? '', arrow.getAttribute('data-to') ?? ''];
      const taken =
        from !== null &&
        from !== state &&
        left.has(source) &&
        lit.has(target) &&
        !(lit.has(source) && left.has(target));
      arrow.classList.toggle('taken', taken);
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

/** A state and all it is in; regions side by side each. */
function pathsOf(state: string | null): Set<string> {
  const paths = new Set<string>();
  for (const path of state?.split('+') ?? []) {
    const parts = path.split('.');
    for (const depth of parts.keys()) paths.add(parts.slice(0, depth + 1).join('.'));
  }
  return paths;
}
