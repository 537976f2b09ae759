import type { LeadershipTerm } from '../election/term.ts';
import type { NodeClock, VirtualClock } from '../runtime/virtual-clock.ts';
import { UsageError } from '../errors.ts';
import type { HostWitness, Incarnation } from './host.ts';
import { ProtectedResource, type Write } from './protected-resource.ts';
import type { StoreCall, StoreLimit, StoreReply } from './simulated-store.ts';
import { Violation, type Invariant } from './violation.ts';

/** A term that is over by the clocks and still not told to be is tolerated for this long by a process that runs. */
const UNTOLD_MAX_MS = 1000;

/** The store's clock may run this much faster than true time. */
const STORE_RATE_MAX = 1.005;

/** The store has granted or renewed a lease at this moment. */
interface Confirmation {
  readonly atMs: number;
  readonly leaseMs: number;
  readonly token: bigint;
  readonly beat: number;
}

interface OpenTerm {
  readonly member: Incarnation;
  readonly term: LeadershipTerm;
  readonly node: NodeClock;
  /** Since when, by its own clock, it is over without having been told; null while it stands. */
  overSince: number | null;
  /** Its last renewal failed with an outcome nobody knows. */
  inDoubt: boolean;
}

/** What happened, for reports. */
export interface Tally {
  elections: number;
  /** True milliseconds in which nobody believed. */
  leaderlessMs: number;
  /** How long each time without a leader took. */
  readonly gapsMs: number[];
  readonly sometimes: Map<string, number>;
}

/** Most times without a leader that a run keeps the length of; the rest only counts in their sum. */
const GAPS_MAX = 100_000;

/** Sees everything, by true time, and says what must never be. */
export class Judge implements HostWitness {
  readonly resource = new ProtectedResource();
  readonly tally: Tally = { elections: 0, leaderlessMs: 0, gapsMs: [], sometimes: new Map() };
  readonly #clock: VirtualClock;
  readonly #limit: () => StoreLimit | undefined;
  readonly #terms: OpenTerm[] = [];
  readonly #confirmed = new Map<string, Confirmation>();
  #highestToken = 0n;
  #vacantSince: number | null = 0;
  #counting = true;
  #failure: Violation | null = null;

  /** @param limit How far the stated limits of the store reach, now. */
  constructor(clock: VirtualClock, limit: () => StoreLimit | undefined) {
    this.#clock = clock;
    this.#limit = limit;
  }

  readonly sometimes = (what: string): void => {
    const { sometimes } = this.tally;
    sometimes.set(what, (sometimes.get(what) ?? 0) + 1);
  };

  /** Who believes that it leads, now; null if nobody does. */
  get leader(): Incarnation | null {
    return this.#terms.find(({ member }) => member.believes)?.member ?? null;
  }

  /** After each step. Throws the violation that there is. */
  check(): void {
    let leader: OpenTerm | null = null;
    for (let i = this.#terms.length - 1; i >= 0; i--) {
      const open = this.#terms[i] as OpenTerm;
      const over = !open.member.alive || open.term.signal.aborted;
      if (!open.member.believes) {
        if (over) this.#terms.splice(i, 1);
        else this.#over(open);
        continue;
      }
      open.overSince = null;
      if (leader !== null && leader.member !== open.member) this.#twoBelieve(leader, open);
      leader = open;
      this.#believes(open);
    }
    this.#count(leader !== null);
    if (this.#failure !== null) throw this.#failure;
  }

  joined(member: Incarnation): void {
    const { election } = member;
    election.on('lostLeadership', ({ cause }) => this.sometimes(`lost-${cause}`));
    election.on('waiting', ({ reason }) => this.sometimes(`waited-${reason}`));
    election.on('journalFailed', () => this.sometimes('journal-failed'));
    election.on('renewalFailed', () => {
      const open = this.#terms.find((each) => each.member === member);
      if (open !== undefined) open.inDoubt = true;
    });
    election.on('renewed', ({ restored }) => {
      if (restored) this.sometimes('term-restored');
      const open = this.#terms.find((each) => each.member === member);
      if (!open?.inDoubt) return;
      open.inDoubt = false;
      this.sometimes('renewed-after-unknown-outcome');
    });
  }

  led(member: Incarnation, term: LeadershipTerm): void {
    if (this.#counting) this.tally.elections += 1;
    const { token } = term;
    const { candidateId } = member.election;
    if (token <= this.#highestToken)
      this.#unlessLimited(
        this.#highestToken <= this.#limitedToken,
        'tokens-grow',
        `${candidateId} began a term with ${token}, but there was one with ${this.#highestToken}`,
      );
    this.#highestToken = token > this.#highestToken ? token : this.#highestToken;
    this.#terms.push({ member, term, node: member.host.node, overSince: null, inDoubt: false });
  }

  wrote(member: Incarnation, write: Write): void {
    let accepted: boolean;
    try {
      accepted = this.resource.write(write);
    } catch (error) {
      const within = write.token <= this.#limitedToken;
      return this.#unlessLimited(within, 'fenced-resource', (error as Error).message);
    }
    if (accepted) {
      const former = write.token < this.#highestToken && this.leader?.election.term?.token !== write.token;
      if (former) this.sometimes('former-leaders-write-accepted-before-the-next');
      return;
    }
    this.sometimes('stale-token-refused');
    if (member.believes && member.election.term?.token === write.token)
      this.#unlessLimited(
        (this.resource.last?.token ?? 0n) <= this.#limitedToken,
        'fenced-resource',
        `the write of ${write.by}, which leads, was refused`,
      );
  }

  failed(member: Incarnation, error: unknown): void {
    const ambient = error instanceof UsageError && error.code === 'IMPURE_TRANSITION';
    this.#violated(ambient ? 'pure-simulation' : 'member-runs', `${member.name}: ${String(error)}`);
  }

  executed(call: StoreCall, reply: StoreReply): void {
    if (reply === null || !('kind' in reply)) return;
    const atMs = this.#clock.nowMs;
    if (call.kind === 'acquire' && reply.kind === 'won') {
      const { id, leaseMs } = call.request;
      const leader = this.leader?.election.candidateId ?? null;
      if (leader !== null && leader !== id)
        this.#unlessLimited(
          this.#isLimited,
          'no-early-grant',
          `${id} was granted ${reply.token} while ${leader} believes`,
        );
      this.#confirmed.set(id, { atMs, leaseMs, token: reply.token, beat: 0 });
    } else if (call.kind === 'renew' && reply.kind === 'renewed') {
      const { id, token, beat, leaseMs } = call.request;
      const before = this.#confirmed.get(id);
      // A packet that comes late or twice extends nothing.
      if (before?.token === token && before.beat >= beat) return;
      this.#confirmed.set(id, { atMs, leaseMs, token, beat });
    }
  }

  #twoBelieve(one: OpenTerm, other: OpenTerm): void {
    const tell = ({ member, term }: OpenTerm) =>
      `${member.election.candidateId} (token ${term.token}, ${Math.round(term.remainingMs)} ms left)`;
    this.#unlessLimited(this.#isLimited, 'one-believer', `${tell(one)} and ${tell(other)}`);
  }

  get #isLimited(): boolean {
    return this.#clock.nowMs < (this.#limit()?.untilMs ?? 0);
  }

  get #limitedToken(): bigint {
    return this.#limit()?.token ?? 0n;
  }

  /** What a store says it does not promise is counted, not a failure. */
  #unlessLimited(limited: boolean, invariant: Invariant, detail: string): void {
    if (limited) this.sometimes(`limit-${invariant}`);
    else this.#violated(invariant, detail);
  }

  #believes({ member, term }: OpenTerm): void {
    const id = member.election.candidateId;
    const confirmed = this.#confirmed.get(id);
    if (confirmed === undefined || confirmed.token !== term.token) return;
    const forMs = this.#clock.nowMs - confirmed.atMs;
    if (forMs >= confirmed.leaseMs / STORE_RATE_MAX)
      this.#violated(
        'stops-before-expiry',
        `${id} believes ${Math.round(forMs)} ms after the store last renewed its lease of ${confirmed.leaseMs} ms`,
      );
  }

  #over(open: OpenTerm): void {
    const { node, member } = open;
    if (node.paused) {
      open.overSince = null;
      return;
    }
    const now = node.monotonicMs();
    open.overSince ??= now;
    if (now - open.overSince > UNTOLD_MAX_MS)
      this.#violated(
        'signal-tells',
        `the term ${open.term.number} of ${member.election.candidateId} ended ${Math.round(now - open.overSince)} ms ago`,
      );
  }

  /** From now on it only checks: what is tried out when faults are over is nothing that happens to a service. */
  stopCounting(): void {
    this.#count(true);
    this.#counting = false;
  }

  #count(led: boolean): void {
    if (!this.#counting) return;
    const now = this.#clock.nowMs;
    if (!led) {
      this.#vacantSince ??= now;
      return;
    }
    if (this.#vacantSince === null) return;
    const gapMs = now - this.#vacantSince;
    this.#vacantSince = null;
    this.tally.leaderlessMs += gapMs;
    if (this.tally.gapsMs.length < GAPS_MAX) this.tally.gapsMs.push(gapMs);
  }

  /** The first one counts; it is thrown at the end of the step, past whatever would catch it. */
  #violated(invariant: Invariant, detail: string): void {
    this.#failure ??= new Violation(invariant, this.#clock.nowMs, detail);
  }
}
