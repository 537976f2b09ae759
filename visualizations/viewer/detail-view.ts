import { clockTime, find, make, milliseconds, type Content } from './elements.ts';
import type { Detail } from './model.ts';
import type { ViewState } from './view-state.ts';

/** The chosen record whole: event, states, what it changed in the context, effects, identity. */

/** Data of a start holds the whole structure of the chart, which is longer than all the rest. */
const OMITTED: ReadonlySet<string> = new Set(['structure']);

export class DetailView {
  readonly #place = find('#detail', HTMLElement);

  constructor(view: ViewState, ask: (row: number) => Promise<Detail | null>) {
    view.onChange((part) => {
      if (part !== 'row' && part !== 'history') return;
      if (view.row < 0) return this.#place.replaceChildren();
      void this.#showSoon(view, ask(view.row));
    });
  }

  async #showSoon(view: ViewState, asked: Promise<Detail | null>): Promise<void> {
    const { row } = view;
    const detail = await asked;
    // While somebody scrubs, only the last one asked for is shown.
    if (detail !== null && row === view.row) this.#show(view, detail);
  }

  #show(view: ViewState, { record, context, why }: Detail): void {
    const { stream, seq, event, token, wall, mono, effects, kind, source, digest, writer, runtime } = record;
    const { structure: _, ...data } = (event.data ?? {}) as Record<string, unknown>;
    const [start] = view.whole();
    const time = view.at ?? wall;
    this.#place.replaceChildren(
      make('h2', {}, event.type),
      make('p', { class: 'muted' }, `${stream}@${seq}`),
      section('States', [`${view.text('from', view.row)} → ${view.text('to', view.row)}`]),
      section('When', [
        `${clockTime(time)}, ${milliseconds(time - start)} from the start; its own wall clock said ${new Date(wall).toISOString()}, monotonic ${mono.toFixed(3)} ms`,
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
      make('p', {}, make('a', { href: `#${encodeURIComponent(`${stream}@${seq}`)}` }, 'Link to this record')),
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

const section = (title: string, content: readonly Content[]): HTMLElement =>
  make('section', {}, make('h3', {}, title), ...content);

function json(value: unknown): Content {
  if (typeof value === 'object' && value !== null && Object.keys(value).length === 0) return '';
  const text = JSON.stringify(value, (key, each: unknown) => (OMITTED.has(key) ? '(of the chart)' : each), 2);
  return make('pre', {}, text);
}
