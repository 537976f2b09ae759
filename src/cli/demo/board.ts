import { styleText } from 'node:util';
import { systemClock } from '../../runtime/system-clock.ts';
import type { TimerId } from '../../runtime/clock.ts';
import type { Cluster } from './cluster.ts';
import type { MemberProcess } from './member-process.ts';
import { shortName } from './story.ts';
import { formatDuration } from '../duration.ts';
import { table } from '../output.ts';

const REPAINT_MS = 100;
const BAR_CELLS = 20;
const HEADING = ['member', 'pid', 'state', 'term', 'token', 'lease left'];
/** Lines of the story that a short terminal still shows. */
const STORY_LINES_MIN = 5;

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
    const { rows, columns } = process.stdout;
    const members = this.#cluster.members;
    const [heading = '', ...states] = table([HEADING, ...members.map((each) => this.#row(each))]);
    const styled = states.map((line, n) => {
      const { role } = members[n]?.exit === null ? (members[n].status ?? {}) : {};
      return role === 'leader' ? styleText('green', line) : line;
    });
    const fit = (line: string) => line.slice(0, columns);
    const title = this.#title.split('\n').map((line) => styleText('bold', fit(line)));
    const head = [...title, '', styleText('bold', heading), ...styled, ''];
    const room = Math.max(STORY_LINES_MIN, rows - head.length - 3);
    const story = this.#story.slice(-room).map(fit);
    const padding = Array.from({ length: room - story.length }, () => '');
    const lines = [...head, ...story, ...padding, '', fit(this.#footer)];
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
    return `${'█'.repeat(cells)}${'░'.repeat(BAR_CELLS - cells)} ${formatDuration(Math.round(leftMs / 10) * 10)}`;
  }
}
