import { transitionText } from '../../src/cli/journal-text.ts';
import { clockTime, find, make, milliseconds, type Content } from './elements.ts';
import type { Detail } from './model.ts';
import type { ViewState } from './view-state.ts';

/** The chosen record whole: event, states, what it changed in the context, effects, identity. */

/** Data of a start holds the whole structure of the chart, which is longer than all the rest. */
const OMITTED: ReadonlySet<string> = new Set(['structure']);

/** A context is computed for a record that is looked at as long, so that whoever scrubs has the processor. */
const LOOKED_AT_MS = 100;

export interface DetailSource {
  /** What is known at once. */
  detail(row: number): Promise<Detail | null>;
  /** The same with the context, which may take a while. */
  context(row: number): Promise<Detail | null>;
}

export class DetailView {
  readonly #place = find('#detail', HTMLElement);
  readonly #view: ViewState;
  readonly #source: DetailSource;
  /** The record that is shown. */
  #shown = '';
  #busy = false;
  #again = false;
  #soon: ReturnType<typeof setTimeout> | undefined;

  constructor(view: ViewState, source: DetailSource) {
    this.#view = view;
    this.#source = source;
    view.onChange((part) => {
      if (part === 'row' || part === 'history') void this.#update();
    });
  }

  /** One question at a time: while somebody scrubs, rows in between are not asked for. */
  async #update(): Promise<void> {
    if (this.#busy) {
      this.#again = true;
      return;
    }
    this.#busy = true;
    do {
      this.#again = false;
      await this.#ask(this.#view.row);
    } while (this.#again);
    this.#busy = false;
  }

  async #ask(row: number): Promise<void> {
    const view = this.#view;
    clearTimeout(this.#soon);
    if (row < 0) {
      this.#shown = '';
      return this.#place.replaceChildren();
    }
    const detail = await this.#source.detail(row);
    if (detail === null || row !== view.row) return;
    const { stream, seq } = detail.record;
    const { members, columns } = view.history as NonNullable<typeof view.history>;
    // A history that has changed meanwhile asks again.
    if (members[columns.member[row] ?? 0]?.stream !== stream || columns.seq[row] !== seq) return;
    const place = `${stream}@${seq}`;
    // As records come, the chosen one stays as it is.
    if (place === this.#shown && !detail.contextLater) return;
    this.#show(view, detail);
    this.#shown = place;
    if (detail.contextLater) this.#soon = setTimeout(() => void this.#askContext(row, place), LOOKED_AT_MS);
  }

  async #askContext(row: number, place: string): Promise<void> {
    const detail = await this.#source.context(row);
    if (detail === null || this.#shown !== place) return;
    const scrolled = this.#place.scrollTop;
    this.#show(this.#view, detail);
    this.#place.scrollTop = scrolled;
  }

  #show(view: ViewState, { record, context, why }: Detail): void {
    const { stream, seq, event, token, wall, mono, effects, kind, source, digest, writer, runtime } = record;
    const { structure: _, ...data } = (event.data ?? {}) as Record<string, unknown>;
    const { start } = view;
    const time = view.at ?? wall;
    this.#place.replaceChildren(
      make('h2', {}, event.type),
      make('p', { class: 'muted' }, `${stream}@${seq}`),
      section('States', [transitionText(record)]),
      section('When', [
        `${clockTime(time)}, ${milliseconds(time - start)} from the start; its own wall clock said ${new Date(wall).toISOString()}, its monotonic one ${mono.toFixed(3)} ms`,
      ]),
      section('Event', [`${kind}, from ${source}`, json(data)]),
      section('Context', contextContent(context, why)),
      section(
        'Effects',
        effects.length === 0
          ? ['none']
          : effects.map(({ id, type, params }) =>
              make('div', {}, `${id}  ${type}`, ...(params === undefined ? [] : [json(params)])),
            ),
      ),
      section('Record', [
        `token ${token ?? 'none'}`,
        make('br'),
        `${writer}, ${runtime}`,
        make('br'),
        `digest ${digest || 'none'}`,
      ]),
      make('p', {}, make('a', { href: linkTo(stream, seq) }, 'Link to this record')),
    );
    this.#place.scrollTop = 0;
  }
}

function contextContent(context: Detail['context'], why: string | null): Content[] {
  if (context === null) return [why ?? ''];
  if (context.length === 0) return ['as before'];
  const text = (value: unknown) => (value === undefined ? '(absent)' : JSON.stringify(value));
  return [
    make(
      'table',
      {},
      make(
        'thead',
        {},
        make('tr', {}, ...['', 'before', 'after'].map((name) => make('th', { scope: 'col' }, name))),
      ),
      make(
        'tbody',
        {},
        ...context.map(({ path, before, after }) =>
          make(
            'tr',
            {},
            make('th', { scope: 'row' }, path),
            make('td', {}, text(before)),
            make('td', {}, text(after)),
          ),
        ),
      ),
    ),
  ];
}

/** Slashes and at signs may stand in a fragment as they are: a link that people can read. */
export const linkTo = (stream: string, seq: number): string =>
  `#${encodeURIComponent(`${stream}@${seq}`).replaceAll('%2F', '/').replaceAll('%40', '@')}`;

const section = (title: string, content: readonly Content[]): HTMLElement =>
  make('section', {}, make('h3', {}, title), ...content);

function json(value: unknown): Content {
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return '';
  const text = JSON.stringify(value, (key, each: unknown) => (OMITTED.has(key) ? '(of the chart)' : each), 2);
  return make('pre', {}, text);
}
