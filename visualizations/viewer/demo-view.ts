import type { WebFailover, WebMember, WebState } from '../../src/cli/demo/web-state.ts';
import { find, make, milliseconds, say } from './elements.ts';

/**
 * The demo beside the viewer: what each member is, what may be done to it, what each failover cost, and the file that
 * the members share. The server tells the whole state whenever something changes; what is asked of it carries the
 * token that only this page has.
 */

export interface DemoOrigin {
  readonly token: string;
}

const LABELS: Readonly<Record<string, string>> = {
  kill: 'Kill',
  freeze: 'Freeze',
  resume: 'Resume',
  stop: 'Stop',
  start: 'Start',
};

const KINDS: Readonly<Record<WebFailover['kind'], string>> = {
  kill: 'killed',
  freeze: 'frozen',
  handover: 'stopped in order',
};

/** Browsers give up where a server answers with an error; this goes on. */
const AGAIN_AFTER_MS = 2000;

export class DemoView {
  readonly #token: string;
  readonly #members = make('div', { class: 'cards', role: 'group', 'aria-label': 'Members' });
  readonly #said = make('p', { role: 'status', class: 'demo-said' });
  readonly #failovers = make('tbody');
  readonly #cost = make('p', { role: 'status', class: 'cost' });
  readonly #story = make('ol', { class: 'story', tabindex: '0', 'aria-label': 'What happened' });
  readonly #journals = make('p', { class: 'saves' });
  readonly #editor = make('textarea', {
    id: 'configuration',
    rows: '7',
    spellcheck: 'false',
    'aria-label': 'The configuration that all members share',
  });
  readonly #save = make('button', { type: 'button' }, 'Save for all');
  readonly #applied = make('ul', { class: 'applied' });
  /** As the members' file was last told; what is written on top of it stays. */
  #told: string | null = null;

  constructor({ token }: DemoOrigin) {
    this.#token = token;
    const heading = [
      'what happened to the leader',
      'next',
      'lease left then',
      'nobody led for',
      'beyond the lease',
    ];
    const table = make(
      'table',
      { 'aria-label': 'What each failover cost' },
      make('thead', {}, make('tr', {}, ...heading.map((each) => make('th', { scope: 'col' }, each)))),
      this.#failovers,
    );
    const place = find('#demo', HTMLElement);
    place.append(
      make('div', {}, make('h2', {}, 'Members'), this.#members, this.#said, this.#cost),
      make('div', {}, make('h2', {}, 'What it cost'), make('div', { class: 'wide' }, table), this.#journals),
      make(
        'div',
        {},
        make('h2', {}, 'Shared configuration'),
        this.#editor,
        this.#save,
        make('div', { role: 'status' }, this.#applied),
      ),
      make('div', {}, make('h2', {}, 'What happened'), this.#story),
    );
    place.hidden = false;
    this.#save.addEventListener(
      'click',
      () => void this.#ask('PUT', 'demo/configuration', this.#editor.value),
    );
    this.#members.addEventListener('click', (event) => {
      const { member = '', act = '' } = (event.target as HTMLElement).dataset;
      if (act !== '') void this.#ask('POST', `demo/members/${encodeURIComponent(member)}/${act}`);
    });
    this.#follow();
  }

  #follow(): void {
    const source = new EventSource('demo/events');
    source.addEventListener('state', ({ data }: MessageEvent<string>) =>
      this.#show(JSON.parse(data) as WebState),
    );
    source.addEventListener('error', () => {
      // Nobody is there to be asked.
      for (const button of find('#demo', HTMLElement).querySelectorAll('button')) button.disabled = true;
      say(this.#said, 'The demo does not answer: it has ended, or stands still.');
      if (source.readyState === EventSource.CLOSED) setTimeout(() => this.#follow(), AGAIN_AFTER_MS);
    });
  }

  async #ask(method: string, address: string, body: string | null = null): Promise<void> {
    try {
      const response = await fetch(address, { method, body, headers: { 'x-conclave-demo': this.#token } });
      this.#said.textContent = response.ok ? '' : await response.text();
      if (response.ok && method === 'PUT') this.#told = body;
    } catch {
      this.#said.textContent = 'The demo did not answer: it has ended.';
    }
  }

  #show(state: WebState): void {
    if (this.#said.textContent.startsWith('The demo does not')) this.#said.textContent = '';
    for (const [at, member] of state.members.entries()) this.#card(at, member);
    this.#failovers.replaceChildren(...state.failovers.map(failoverRow).toReversed());
    const last = state.failovers.at(-1);
    say(this.#cost, last === undefined ? '' : costOf(last));
    const atEnd = this.#story.scrollTop + this.#story.clientHeight >= this.#story.scrollHeight - 30;
    this.#story.replaceChildren(...state.story.map((line) => make('li', {}, line)));
    if (atEnd) this.#story.scrollTop = this.#story.scrollHeight;
    this.#showJournals(state);
    this.#showConfiguration(state);
  }

  /** A link that somebody is about to click stays. */
  #showJournals({ journals }: WebState): void {
    const names = [...this.#journals.querySelectorAll('a')].map(({ download }) => download);
    if (names.join() === journals.join()) return;
    this.#journals.replaceChildren(
      'Save a journal: ',
      ...journals.flatMap((name) => [
        make('a', { href: `demo/journals/${encodeURIComponent(name)}`, download: name }, name),
        ' ',
      ]),
    );
  }

  #showConfiguration({ configuration, mayAct }: WebState): void {
    this.#save.disabled = !mayAct || configuration === null;
    this.#editor.readOnly = !mayAct || configuration === null;
    if (configuration === null) return;
    const untouched = this.#told === null || this.#editor.value === this.#told;
    if (untouched && this.#editor.value !== configuration.text) this.#editor.value = configuration.text;
    this.#told = configuration.text;
    const applied = configuration.members.map(({ name, told }) =>
      make('li', {}, make('strong', {}, name), ` ${told}`),
    );
    const textOf = (items: readonly Element[]) => items.map(({ textContent }) => textContent).join('\n');
    if (textOf([...this.#applied.children]) !== textOf(applied)) this.#applied.replaceChildren(...applied);
  }

  /** The buttons stay, so that the one with the focus keeps it. */
  #card(at: number, member: WebMember): void {
    const { name, pid, leads, acts } = member;
    const card = this.#members.children[at] ?? this.#newCard(name);
    card.className = leads ? 'card leads' : 'card';
    const text = card.querySelector('p');
    if (text !== null)
      text.replaceChildren(
        make('strong', {}, name),
        ` ${toldOf(member)}`,
        make('br'),
        make('small', {}, `pid ${pid}`),
      );
    for (const button of card.querySelectorAll('button'))
      button.disabled = !acts.some((act) => act === button.dataset['act']);
    keepFocus(card);
  }

  #newCard(name: string): Element {
    const buttons = Object.entries(LABELS).map(([act, label]) =>
      make(
        'button',
        { type: 'button', 'data-member': name, 'data-act': act, 'aria-label': `${label} ${name}` },
        label,
      ),
    );
    const card = make('div', { tabindex: '-1' }, make('p'), make('div', { class: 'buttons' }, ...buttons));
    this.#members.append(card);
    return card;
  }
}

/** A button that cannot be used any more would lose the focus to the top of the page: the next that can has it. */
function keepFocus(card: Element): void {
  const focused = document.activeElement;
  if (
    focused !== card &&
    !(focused instanceof HTMLButtonElement && focused.disabled && card.contains(focused))
  )
    return;
  (card.querySelector<HTMLElement>('button:enabled') ?? (card as HTMLElement)).focus();
}

function toldOf({ state, leads, term, token, follows }: WebMember): string {
  if (leads) return `leads: term ${String(term)}, token ${String(token)}`;
  return follows === null ? state : `${state}, follows ${follows}`;
}

function costOf({ kind, from, to, tookMs, leaseLeftMs, lateMs }: WebFailover): string {
  const took = `${to} took over from ${from} (${KINDS[kind]}): nobody led for ${milliseconds(tookMs)}`;
  if (kind === 'handover') return `${took}; ${milliseconds(leaseLeftMs)} of the lease were not waited for.`;
  return `${took}, of which the lease had ${milliseconds(leaseLeftMs)} left; ${milliseconds(lateMs)} beyond it.`;
}

function failoverRow({ kind, from, to, tookMs, leaseLeftMs, lateMs }: WebFailover): HTMLElement {
  const cells = [
    `${from} was ${KINDS[kind]}`,
    to,
    milliseconds(leaseLeftMs),
    milliseconds(tookMs),
    kind === 'handover' ? 'not waited for' : milliseconds(lateMs),
  ];
  return make('tr', {}, ...cells.map((cell) => make('td', {}, cell)));
}
