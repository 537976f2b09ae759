import { ChartView } from './chart-view.ts';
import { type DemoOrigin, DemoView } from './demo-view.ts';
import { DetailView } from './detail-view.ts';
import { find, sayEach } from './elements.ts';
import { FilterBar } from './filter-bar.ts';
import { listenToKeys } from './keyboard.ts';
import { follow } from './live.ts';
import type { History, NamedFile } from './model.ts';
import { Position } from './position.ts';
import { Reader } from './reader.ts';
import { RecordList } from './record-list.ts';
import { SummaryView } from './summary-view.ts';
import { Timeline } from './timeline.ts';
import { NO_FILTER, ViewState } from './view-state.ts';

/** The viewer's page: one file, which asks nobody but the place it came from for anything. */

/** The worker's program; put there when the page is made. */
declare const WORKER_CODE: string;

/** What the server that brought this page says of itself; from a file there is none. */
interface Origin {
  /** Journals to open at once, by address. */
  readonly files?: readonly string[];
  readonly live?: boolean;
  readonly demo?: DemoOrigin;
}

const view = new ViewState();
const reader = new Reader(WORKER_CODE);
const problem = find('#problem', HTMLElement);
const search = find('#search', HTMLInputElement);
const chooser = find('#files', HTMLInputElement);
const help = find('#help', HTMLDialogElement);

// Each listens to the view from here on.
void [
  new ChartView(view),
  new DetailView(view, reader),
  new RecordList(view),
  new Timeline(view),
  new Position(view),
  new SummaryView(view),
  new FilterBar(view, search),
];
listenToKeys(view, search, help);

/** What has to be said, by what it is about; each is there until that is well. */
const said = new Map<'files' | 'live' | 'page', readonly string[]>();

function say(about: 'files' | 'live' | 'page', messages: readonly string[]): void {
  said.set(about, messages);
  const all = [...said.values()].flat();
  problem.hidden = all.length === 0;
  sayEach(problem, all);
}

const messageOf = (error: unknown): string => (error instanceof Error ? error.message : String(error));
addEventListener('error', ({ error, message }) =>
  say('page', [`This page has an error, what it shows may be wrong: ${messageOf(error ?? message)}`]),
);
addEventListener('unhandledrejection', ({ reason }) =>
  say('page', [`This page has an error, what it shows may be wrong: ${messageOf(reason)}`]),
);

function show(history: History, keep: boolean): void {
  document.body.classList.toggle('empty', history.columns.seq.length === 0);
  view.show(history, { keep });
}

async function open(files: readonly NamedFile[]): Promise<void> {
  if (files.length === 0) return;
  document.body.classList.add('reading');
  try {
    const history = await reader.load(files);
    show(history, false);
    say('files', history.problems);
    followLink();
  } catch (error) {
    // What was shown before stays.
    say('files', [messageOf(error)]);
  } finally {
    document.body.classList.remove('reading');
  }
}

const named = (files: FileList | null | undefined): NamedFile[] =>
  [...(files ?? [])].map((file) => ({ name: file.name, content: file }));

/** As it is, where somebody has cut it in the middle of a character. */
function decoded(fragment: string): string {
  try {
    return decodeURIComponent(fragment);
  } catch {
    return fragment;
  }
}

/** `#stream@12` chooses that record. */
function followLink(): void {
  const [, stream, seq] = /^#(.+)@(\d+)$/.exec(decoded(location.hash)) ?? [];
  const { history } = view;
  if (stream === undefined || history === null) return;
  const member = history.members.findIndex((each) => each.stream === stream);
  const row = history.columns.seq.findIndex(
    (each, at) => each === Number(seq) && history.columns.member[at] === member,
  );
  if (row < 0) return say('files', [`There is no record ${stream}@${String(seq)} in what is open.`]);
  const { group = null } = history.members[member] ?? {};
  const isShown = view.filter.group === null || view.filter.group === group;
  view.setFilter({ ...NO_FILTER, group: isShown ? view.filter.group : group });
  view.choose(row);
}

chooser.addEventListener('change', () => {
  void open(named(chooser.files));
  // The same file may be chosen again.
  chooser.value = '';
});
find('#open', HTMLButtonElement).addEventListener('click', () => chooser.click());
find('#keys', HTMLButtonElement).addEventListener('click', () => help.showModal());
find('#clear', HTMLButtonElement).addEventListener('click', () => {
  say('files', []);
  chooser.value = '';
  void reader.clear().then((history) => show(history, false));
});
addEventListener('hashchange', followLink);
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  void open(named(event.dataTransfer?.files));
});

function followLive(): void {
  const state = find('#live', HTMLButtonElement);
  const told = ['#count', '#told', '#chart-said'].map((id) => find(id, HTMLElement));
  const tell = () => {
    state.setAttribute('aria-pressed', String(view.following));
    state.textContent = view.following ? 'live' : 'follow';
    // What changes with each record is not read aloud; who leads is.
    for (const each of told) each.setAttribute('aria-live', view.following ? 'off' : 'polite');
  };
  state.hidden = false;
  view.following = true;
  tell();
  state.addEventListener('click', () => {
    view.follow(!view.following);
    tell();
  });
  view.onChange((part) => {
    if (part === 'row') tell();
  });
  const waiting = find('#waiting', HTMLElement);
  waiting.textContent = 'Waiting for the first record…';
  let linked = location.hash !== '';
  follow({
    onRecords: async (lines) => {
      try {
        show(await reader.append(lines), true);
        if (linked) followLink();
        linked = false;
      } catch (error) {
        say('live', [messageOf(error)]);
      }
    },
    onState: (now) => {
      document.body.classList.toggle('broken', now === 'broken');
      say(
        'live',
        now === 'live' ? [] : ['The connection is lost: what you see has stood still. Trying again…'],
      );
    },
  });
}

/** A page that came from a server may find journals, or running members, there. */
async function start(): Promise<void> {
  document.body.classList.add('empty');
  if (!location.protocol.startsWith('http')) return;
  const response = await fetch('viewer.json').catch(() => null);
  if (!response?.ok) return;
  const { files = [], live = false, demo } = (await response.json()) as Origin;
  const journals = files.map(async (address) => {
    const name = decodeURIComponent(address.slice(address.lastIndexOf('/') + 1));
    const journal = await fetch(address);
    if (!journal.ok) throw new Error(`${name} could not be had: ${await journal.text()}`);
    return { name, content: await journal.blob() };
  });
  try {
    await open(await Promise.all(journals));
  } catch (error) {
    say('files', [messageOf(error)]);
  }
  if (demo !== undefined) void new DemoView(demo);
  if (live) followLive();
}

void start();
