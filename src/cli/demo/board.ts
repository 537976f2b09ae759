import { systemClock } from '../../runtime/system-clock.ts';
import type { TimerId } from '../../runtime/clock.ts';
import type { Cluster } from './cluster.ts';
import type { MemberProcess } from './member-process.ts';
import { shortName } from './story.ts';
import { formatDuration } from '../duration.ts';
import { layOut } from './board-layout.ts';

const REPAINT_MS = 100;
const BAR_CELLS = 10;
const HEADING = ['member', 'pid', 'state', 'term', 'token', 'lease left'];
/** Columns that a narrow terminal does without, the first first: pid, token, term. */
const DISPENSABLE = [1, 4, 3];

/** A live picture of the cluster in a terminal: who leads, what is left of its lease, what happened last. */
export class Board implements Disposable {
  readonly #cluster: Cluster;
  readonly #title: string;
  readonly #footer: string;
  readonly #story: string[] = [];
  /** When each member last said how it is. */
  readonly #heard = new Map<MemberProcess, number>();
  #timer: TimerId = null;

  constructor(cluster: Cluster, title: string, footer: string) {
    this.#cluster = cluster;
    this.#title = title;
    this.#footer = footer;
    // The other screen, without a cursor: what was in the terminal is there again afterwards.
    process.stdout.write('\x1b[?1049h\x1b[?25l');
    this.#repaint();
  }

  /** Adds a line to the story below the members. */
  add(line: string): void {
    this.#story.push(line);
    if (this.#story.length > 200) this.#story.shift();
  }

  heard(member: MemberProcess): void {
    this.#heard.set(member, systemClock.monotonicMs());
  }

  [Symbol.dispose](): void {
    systemClock.clearTimeout(this.#timer);
    process.stdout.write('\x1b[?25h\x1b[?1049l');
  }

  #repaint(): void {
    this.#timer = systemClock.setTimeout(() => this.#repaint(), REPAINT_MS);
    const members = this.#cluster.members;
    const lines = layOut(
      {
        title: this.#title.split('\n'),
        heading: HEADING,
        rows: members.map((member) => ({ cells: this.#row(member), leads: leads(member) })),
        dispensable: DISPENSABLE,
        story: this.#story,
        footer: this.#footer,
      },
      // A terminal that does not know its size says 0.
      { columns: process.stdout.columns || 80, rows: process.stdout.rows || 24 },
    );
    process.stdout.write(`\x1b[H${lines.map((line) => `${line}\x1b[K`).join('\n')}\x1b[J`);
  }

  #row(member: MemberProcess): string[] {
    const { name, pid, status, exit, frozen } = member;
    if (exit !== null) return [name, String(pid), 'gone', '', '', ''];
    if (frozen) return [name, String(pid), 'frozen', '', '', ''];
    if (status === null) return [name, String(pid), 'starting', '', '', ''];
    const { role, state, term, token, currentLeader } = status;
    if (role === 'leader') return [name, String(pid), state, String(term), String(token), this.#bar(member)];
    const follows = currentLeader === null ? 'nobody known to lead' : `follows ${shortName(currentLeader)}`;
    return [name, String(pid), state, '', '', follows];
  }

  #bar(member: MemberProcess): string {
    const agoMs = systemClock.monotonicMs() - (this.#heard.get(member) ?? 0);
    const leftMs = Math.max(0, (member.status?.remainingMs ?? 0) - agoMs);
    const cells = Math.min(BAR_CELLS, Math.round((leftMs / this.#cluster.options.leaseMs) * BAR_CELLS));
    // The number first: a narrow terminal cuts the bar.
    const left = formatDuration(Math.round(leftMs / 10) * 10).padEnd(5);
    return `${left} ${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)}`;
  }
}

const leads = ({ exit, status }: MemberProcess): boolean => exit === null && status?.role === 'leader';
