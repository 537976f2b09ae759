import { emitKeypressEvents } from 'node:readline';
import { formatDuration } from '../duration.ts';
import { forPeople } from '../member-places.ts';
import { print, printJson } from '../output.ts';
import { Board } from './board.ts';
import type { Cluster, ClusterEvent } from './cluster.ts';
import type { Failover, FaultKind } from './faults.ts';
import { failoverAsJson } from './report.ts';
import type { Reloading } from './reloads.ts';
import { Story } from './story.ts';

/** How the demo shows itself: a board in a terminal, lines elsewhere, JSON lines for programs. */
export type Look = 'board' | 'lines' | 'json';

/** Lines of the story that are kept. */
const LINES_KEPT = 100;

export interface Keys {
  /** What each key does, for the line at the foot of the board. */
  readonly legend: string;
  readonly press: (key: string) => void;
}

export class Stage implements Disposable {
  readonly #look: Look;
  readonly #story: Story;
  #lines: readonly string[] = [];
  #board: Board | null = null;
  #closed = false;
  #releaseKeys: (() => void) | null = null;

  constructor(look: Look, leaseMs: number) {
    this.#look = look;
    this.#story = new Story((line) => this.#show(line), leaseMs / 2);
  }

  /** The last lines of the story, for those who watch elsewhere. */
  get lines(): readonly string[] {
    return this.#lines;
  }

  /** @param url Where the page is; null if there is none. */
  open(cluster: Cluster, keys: Keys, url: string | null): void {
    const { members, leaseMs, directory } = cluster.options;
    const title = `conclave demo: ${members} members, lease ${formatDuration(leaseMs)}, in ${forPeople(directory)}`;
    if (this.#look === 'json') printJson({ type: 'demo', url });
    if (this.#look === 'lines') {
      print(title);
      if (url !== null) print(`Look at ${url}`);
    }
    if (this.#look !== 'board') return;
    this.#board = new Board(cluster, url === null ? title : `${title}\nLook at ${url}`, keys.legend);
    this.#releaseKeys = listenToKeys(keys);
  }

  hear(event: ClusterEvent): void {
    if ('report' in event) this.#board?.heard(event.member);
    this.#story.tellEvent(event);
  }

  beforeFault(kind: FaultKind, member: string): void {
    this.#story.tellFault(kind, member);
  }

  afterFault(failover: Failover): void {
    if (this.#look === 'json') printJson({ type: 'failover', ...failoverAsJson(failover) });
    else this.#story.tellFailover(failover);
  }

  afterReload(reloading: Reloading): void {
    const { kind, tookMs, held, detail } = reloading;
    if (this.#look === 'json') printJson({ type: 'reload', kind, tookMs, held, detail });
    else this.#story.tell(`    ${detail}, after ${formatDuration(tookMs)}`);
  }

  tell(text: string): void {
    this.#story.tell(text);
  }

  /** The performance is over: what follows is only members that end. */
  [Symbol.dispose](): void {
    this.#closed = true;
    this.#releaseKeys?.();
    this.#board?.[Symbol.dispose]();
    this.#board = null;
  }

  #show(line: string): void {
    if (this.#closed) return;
    this.#lines = [...this.#lines.slice(1 - LINES_KEPT), line.trimEnd()];
    if (this.#board !== null) this.#board.add(line);
    else if (this.#look === 'lines') print(line);
  }
}

/** Single keys, without Enter. Ctrl-C does what it does elsewhere. */
function listenToKeys({ press }: Keys): (() => void) | null {
  const { stdin } = process;
  if (!stdin.isTTY) return null;
  emitKeypressEvents(stdin);
  stdin.setRawMode(true);
  const onKey = (_: unknown, { name, ctrl }: { readonly name?: string; readonly ctrl?: boolean }) => {
    if (ctrl && name === 'c') process.kill(process.pid, 'SIGINT');
    else if (name !== undefined) press(name);
  };
  stdin.on('keypress', onKey);
  return () => {
    stdin.off('keypress', onKey);
    stdin.setRawMode(false);
    stdin.pause();
  };
}
