import type { JournalRecord } from '../../src/journal/journal.ts';
import { FLAG, type Member, type Phases, type Tone, TONES } from './model.ts';

/** What a member was about, stretch by stretch, and which of its records stand out. */

const TONE_OF: Readonly<Record<string, Tone>> = {
  follower: 'calm',
  candidate: 'busy',
  leader: 'leading',
  releasing: 'leaving',
  idle: 'calm',
  applied: 'calm',
  debouncing: 'busy',
  validating: 'busy',
  committing: 'busy',
  waitingForFile: 'busy',
  aborting: 'leaving',
  undoing: 'leaving',
  rollingBack: 'leaving',
  rejected: 'bad',
  unhealthy: 'bad',
  stopped: 'none',
};

interface Phase {
  readonly member: number;
  readonly from: number;
  until: number;
  readonly tone: Tone;
  readonly text: string;
}

/** Follows the records of all members in the order of the merged timeline. */
export class PhaseTracker {
  readonly #members: readonly Member[];
  readonly #open: (Phase | undefined)[] = [];
  /** When each process said its last word, in whichever stream; and each member's process. */
  readonly #heard = new Map<string, number>();
  readonly #writers: string[] = [];
  /** Processes that take part in an election, and so say something all the time. */
  readonly #talkative = new Set<string>();
  readonly #inForce: string[] = [];
  readonly #done: Phase[] = [];

  constructor(members: readonly Member[]) {
    this.#members = members;
  }

  /** @param to The state after it, as text. */
  take(record: JournalRecord, to: string, member: number, time: number): void {
    this.#heard.set(record.writer, time);
    this.#writers[member] = record.writer;
    if (record.machine.id === 'leadership') this.#talkative.add(record.writer);
    if (record.to === null) return;
    for (const { params } of record.effects) {
      const { type, generation, sha } = (params as { event?: Emitted } | undefined)?.event ?? {};
      if (type !== undefined && IN_FORCE.has(type) && typeof sha === 'string')
        this.#inForce[member] = ` ${generation ?? '?'} · ${sha.slice(0, 7)}`;
    }
    const outer = outerOf(to);
    const inForce = this.#inForce[member] ?? '';
    const text = `${outer}${outer === 'applied' || outer === 'rejected' ? inForce : ''}`;
    const open = this.#open[member];
    if (open?.text === text) return;
    if (open !== undefined) open.until = time;
    const next = { member, from: time, until: time, tone: TONE_OF[outer] ?? 'calm', text };
    this.#open[member] = next;
    this.#done.push(next);
  }

  /**
   * A process that says nothing more may still run: until its next life, or the end of all, it is silent. A chart
   * alone may have nothing to say for long, as long as its process, or nobody, is heard of.
   */
  finish(end: number, add: (text: string) => number): Phases {
    const silences = this.#open.flatMap((last, member) => {
      if (last === undefined) return [];
      const writer = this.#writers[member] ?? '';
      const spoke = this.#heard.get(writer) ?? last.from;
      const until = Math.min(this.#nextLife(member, last.from), end);
      const heard = this.#talkative.has(writer) ? Math.min(spoke, until) : until;
      last.until = heard;
      if (last.tone === 'none' || until <= heard) return [];
      return [{ member, from: heard, until, tone: 'silent' as const, text: '' }];
    });
    const lane = (phase: Phase) => this.#members[phase.member]?.lane ?? 0;
    const all = [...this.#done, ...silences].toSorted((a, b) => lane(a) - lane(b) || a.from - b.from);
    return {
      lane: Uint16Array.from(all, lane),
      from: Float64Array.from(all, ({ from }) => from),
      until: Float64Array.from(all, ({ until }) => until),
      tone: Uint8Array.from(all, ({ tone }) => TONES.indexOf(tone)),
      text: Uint32Array.from(all, ({ text }) => add(text)),
    };
  }

  #nextLife(member: number, after: number): number {
    const { lane } = this.#members[member] as Member;
    const firsts = new Map<number, number>();
    for (const { member: other, from } of this.#done)
      if (this.#members[other]?.lane === lane && from > after && !firsts.has(other)) firsts.set(other, from);
    return Math.min(...firsts.values(), Infinity);
  }
}

/** A journal has few states and kinds of events, and many records of each: what follows from a text is kept. */
const TEXTS_MAX = 1000;

function kept<T extends string | boolean>(of: (text: string) => T): (text: string) => T {
  const known = new Map<string, T>();
  return (text) => {
    const before = known.get(text);
    if (before !== undefined) return before;
    const made = of(text);
    if (known.size < TEXTS_MAX) known.set(text, made);
    return made;
  };
}

/** `leader` of `leader.held`. */
const outerOf = kept((state) => {
  const end = state.search(/[.+]/);
  return end < 0 ? state : state.slice(0, end);
});

interface Emitted {
  readonly type?: string;
  readonly generation?: number | null;
  readonly sha?: string | null;
}

/** What is told when a configuration is in force. */
export const IN_FORCE: ReadonlySet<string> = new Set(['applied', 'adopted', 'unchanged', 'rolledBack']);

/** Effects that begin or end what a member is for: a term, a configuration in force. */
export const TURNS: ReadonlySet<string> = new Set([
  'openTerm',
  'closeTerm',
  'requestCommit',
  'requestRollback',
]);
const FAILURE = /(?:^|\.)(?:failed|denied|refused|quarantined|missing)$|callTimeout|Deadline/;
const tellsFailure = kept((event) => FAILURE.test(event) && !event.includes('untilDeadline'));

/** Bits of `FLAG` for a record. */
export function flagsOf(record: JournalRecord, from: string, to: string): number {
  const changed = from !== to;
  const turn = record.effects.some(({ type }) => TURNS.has(type));
  const rejects = changed && record.to !== null && TONE_OF[outerOf(to)] === 'bad';
  const failure = record.kind === 'error' || rejects || tellsFailure(record.event.type);
  return (changed ? FLAG.changed : 0) | (turn ? FLAG.turn : 0) | (failure ? FLAG.failure : 0);
}
