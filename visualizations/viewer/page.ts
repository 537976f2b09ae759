import { ChartView } from './chart-view.ts';
import { DetailView } from './detail-view.ts';
import { find, make } from './elements.ts';
import { listenToKeys } from './keyboard.ts';
import { follow } from './live.ts';
import type { History, NamedFile } from './model.ts';
import { Reader } from './reader.ts';
import { RecordList } from './record-list.ts';
import { SummaryView } from './summary-view.ts';
import { Timeline } from './timeline.ts';
import { ViewState } from './view-state.ts';

/** The viewer's page: one file, which asks nobody but the place it came from for anything. */

/** The worker's program; put there when the page is made. */
declare const WORKER_CODE: string;

/** What the server that brought this page says of itself; from a file there is none. */
interface Origin {
  /** Journals to open at once, by address. */
  readonly files?: readonly string[];
  readonly live?: boolean;
}

const view = new ViewState();
const reader = new Reader(WORKER_CODE);
const problem = find('#problem', HTMLElement);
const search = find('#search', HTMLInputElement);
const resources = find('#resource', HTMLSelectElement);
const chooser = find('#files', HTMLInputElement);
const help = find('#help', HTMLDialogElement);

// Each listens to the view from here on.
void [
  new ChartView(view),
  new DetailView(view, (row) => reader.detail(row)),
  new RecordList(view),
  new Timeline(view),
];
listenToKeys(view, new SummaryView(view), search, help);

function say(message: string | null): void {
  problem.hidden = message === null;
  problem.textContent = message ?? '';
}

function show(history: History, keep: boolean): void {
  document.body.classList.toggle('empty', history.columns.seq.length === 0);
  view.show(history, { keep });
  const names = [...new Set(history.members.map(({ resource }) => resource))];
  const wanted = view.filter.resource ?? '';
  if (names.join() !== [...resources.options].map(({ value }) => value).join())
    resources.replaceChildren(...names.map((name) => make('option', { value: name }, name)));
  resources.value = wanted;
  resources.disabled = names.length < 2;
}

async function open(files: readonly NamedFile[]): Promise<void> {
  if (files.length === 0) return;
  document.body.classList.add('reading');
  try {
    show(await reader.load(files), false);
    say(null);
    followLink();
  } catch (error) {
    // What was shown before stays.
    say(error instanceof Error ? error.message : String(error));
  } finally {
    document.body.classList.remove('reading');
  }
}

const named = async (file: File): Promise<NamedFile> => ({
  name: file.name,
  bytes: await file.arrayBuffer(),
});

/** `#stream@12` chooses that record. */
function followLink(): void {
  const [, stream, seq] = /^#(.+)@(\d+)$/.exec(decodeURIComponent(location.hash)) ?? [];
  const { history } = view;
  if (stream === undefined || history === null) return;
  const member = history.members.findIndex((each) => each.stream === stream);
  const row = history.columns.seq.findIndex(
    (each, at) => each === Number(seq) && history.columns.member[at] === member,
  );
  if (row < 0) return say(`There is no record ${stream}@${String(seq)} in what is open.`);
  const { resource = null } = history.members[member] ?? {};
  view.setFilter({ resource, text: '' });
  search.value = '';
  view.choose(row);
}

chooser.addEventListener('change', () => {
  void Promise.all([...(chooser.files ?? [])].map(named)).then(open);
});
find('#open', HTMLButtonElement).addEventListener('click', () => chooser.click());
find('#keys', HTMLButtonElement).addEventListener('click', () => help.showModal());
search.addEventListener('input', () => view.setFilter({ text: search.value }));
resources.addEventListener('change', () => view.setFilter({ resource: resources.value }));
for (const [id, by] of [
  ['#back', -1],
  ['#forth', 1],
] as const)
  find(id, HTMLButtonElement).addEventListener('click', () => view.step(by));
addEventListener('hashchange', followLink);
addEventListener('dragover', (event) => event.preventDefault());
addEventListener('drop', (event) => {
  event.preventDefault();
  void Promise.all([...(event.dataTransfer?.files ?? [])].map(named)).then(open);
});

function followLive(): void {
  const state = find('#live', HTMLButtonElement);
  const tell = () => {
    state.setAttribute('aria-pressed', String(view.following));
    state.textContent = view.following ? 'live' : 'follow';
  };
  state.hidden = false;
  view.following = true;
  tell();
  state.addEventListener('click', () => {
    view.following = !view.following;
    if (view.following) view.choose(Number.MAX_SAFE_INTEGER);
    tell();
  });
  view.onChange((part) => {
    if (part === 'row') tell();
  });
  follow({
    onRecords: (records) =>
      void reader.append(records).then(
        (history) => show(history, true),
        (error: unknown) => say(String(error)),
      ),
    onState: (now) => say(now === 'live' ? null : 'The connection is lost; trying again.'),
  });
}

/** A page that came from a server may find journals, or running members, there. */
async function start(): Promise<void> {
  document.body.classList.add('empty');
  if (!location.protocol.startsWith('http')) return;
  const response = await fetch('viewer.json').catch(() => null);
  if (!response?.ok) return;
  const { files = [], live = false } = (await response.json()) as Origin;
  const journals = files.map(async (address) => {
    const name = decodeURIComponent(address.slice(address.lastIndexOf('/') + 1));
    return { name, bytes: await (await fetch(address)).arrayBuffer() };
  });
  await open(await Promise.all(journals));
  if (live) followLive();
}

void start();
