import { clockTime, find, make, milliseconds, say } from './elements.ts';
import { lowerBound, type ViewState } from './view-state.ts';

/** Where one is: a slider over the records that pass the filter, and in words who leads there. */
export class Position {
  readonly #view: ViewState;
  readonly #slider = find('#position', HTMLInputElement);
  readonly #told = find('#told', HTMLElement);
  readonly #heard = find('#heard', HTMLElement);

  constructor(view: ViewState) {
    this.#view = view;
    view.onChange((part) => {
      if (part !== 'range') this.#show();
    });
    this.#slider.addEventListener('input', () => {
      const row = view.rows[this.#slider.valueAsNumber];
      if (row !== undefined) view.choose(row);
    });
    for (const [id, by] of [
      ['#back', -1],
      ['#forth', 1],
    ] as const)
      find(id, HTMLButtonElement).addEventListener('click', () => view.step(by));
  }

  #show(): void {
    const { rows, row, at } = this.#view;
    this.#slider.max = String(Math.max(rows.length - 1, 0));
    this.#slider.value = String(Math.min(lowerBound(rows, row), Math.max(rows.length - 1, 0)));
    this.#slider.disabled = rows.length === 0;
    if (at === null) {
      this.#told.textContent = '';
      return;
    }
    const leaders = this.#leaders(at);
    // While records come, only a change of leader is read aloud.
    say(this.#heard, this.#view.following ? leaders.replaceAll(/, [\d.]+ \w+ of its belief left/g, '') : '');
    this.#slider.setAttribute('aria-valuetext', `${clockTime(at)}, ${leaders}`);
    const { start } = this.#view;
    const date = new Date(at).toISOString().slice(0, 10);
    this.#told.replaceChildren(
      make('strong', { class: this.#view.leadingAt(at).length > 1 ? 'bad' : '' }, leaders),
      make('span', { class: 'muted' }, ` at ${date} ${clockTime(at)}, +${milliseconds(at - start)}`),
    );
  }

  /** `member-1 leads: term 3, token 17, 1.2 s left`. */
  #leaders(at: number): string {
    const leading = this.#view.leadingAt(at);
    const { history } = this.#view;
    const told = leading.map(({ lane, term, token, until, resource }) => {
      const of = this.#view.filter.group === null && this.#resources().size > 1 ? ` of ${resource}` : '';
      const { label = '' } = history?.lanes[lane] ?? {};
      return `${label} leads${of}: term ${term}, token ${token}, ${milliseconds(until - at)} of its belief left`;
    });
    if (told.length > 0) return told.join(' AND ');
    return this.#view.spans.length === 0 && this.#resources().size === 0
      ? 'no election here'
      : 'nobody leads';
  }

  #resources(): ReadonlySet<string> {
    const { history, lanes } = this.#view;
    return new Set(
      lanes.flatMap((lane) => {
        const { machine = '', group = '' } = history?.lanes[lane] ?? {};
        return machine === 'leadership' ? [group] : [];
      }),
    );
  }
}
