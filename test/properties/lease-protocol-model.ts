/**
 * A small world in which the lease protocol is attacked: members with clocks of their own, a network that loses,
 * delays and repeats, and a store that loses data and whose clock steps. One seed is one schedule. It is the bare
 * protocol, without charts, handles or adapters, so that tens of thousands of schedules take seconds.
 *
 * What is assumed is what the protocol states as its limits: rates within half a percent of real time, hence one
 * percent between two; a store clock that steps forward only while those who ask have seen the renewal that stands;
 * failovers that the store shows by another incarnation; a longest lease that every member knows.
 */
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import { shownBeat } from '../../src/lease/lease-record.ts';
import type { AcquireReply, AcquireRequest, RenewReply } from '../../src/lease/lease-store.ts';
import type { Protocol } from '../../src/simulation/simulated-store.ts';
import { Chance } from './lease-protocol-chance.ts';
import type { Member, Seen, Weather } from './lease-protocol-member.ts';
import { GRACE_MS, ModelStore, Violation, type Occasion } from './lease-protocol-store.ts';

const RESOURCE = 'r';
const LEASES_MS = [1000, 1000, 2500];
const LONGEST_MS = Math.max(...LEASES_MS);

export class World {
  readonly seen = new Set<Occasion>();
  private readonly told: { at: number; what: string; values: readonly unknown[] }[] = [];
  private readonly chance: Chance;
  private readonly weather: Weather;
  private readonly store: ModelStore;
  private readonly queue: { at: number; order: number; run: () => void }[] = [];
  private order = 0;
  private nowMs = 0;
  private readonly members: Member[] = [];
  private steppedForwardAt = -Infinity;
  private highestBelieved = 0n;
  private quiet = false;

  constructor(seed: number, protocol: Protocol) {
    this.chance = new Chance(seed);
    const upTo = (most: number) => (this.chance.under(0.4) ? 0 : this.chance.between(0, most));
    const calm = {
      lost: upTo(0.25),
      late: upTo(0.25),
      repeated: upTo(0.3),
      frozen: upTo(0.1),
      replaced: upTo(0.1),
      dataLost: upTo(0.2),
      stepped: upTo(0.15),
      released: upTo(0.3),
      hinted: this.chance.between(0, 1),
    };
    // Handovers and packets that come late and twice, and now and then an older record: in a mixed world these
    // hardly ever meet.
    const storm = {
      lost: 0,
      late: 0.4,
      repeated: 0.8,
      frozen: 0,
      replaced: 0,
      dataLost: 0.08,
      stepped: 0,
      released: 0.4,
    };
    this.weather = this.chance.under(0.7) ? calm : { ...calm, ...storm };
    this.store = new ModelStore({
      chance: this.chance,
      protocol,
      longestMs: LONGEST_MS,
      nowMs: () => this.nowMs,
      note: (occasion) => this.seen.add(occasion),
      tell: (what, ...values) => this.tell(what, ...values),
    });
    for (let n = 0; n < 3; n += 1) this.join(n);
  }

  /** Runs `leases` (of a second) of faults, then a calm in which somebody must come to lead and go on leading. */
  run(leases: number): void {
    this.after(this.chance.between(0, 1000), () => this.fault());
    this.runUntil(leases * 1000);
    this.quiet = true;
    // A frozen member, a packet on its way, a quarantine, somebody's lease and grace: one after the other.
    this.runUntil(this.nowMs + 10 * LONGEST_MS);
    const leader = this.believer();
    if (!leader) throw new Violation('somebody leads once faults are over', `nobody at ${this.nowMs}`);
    this.runUntil(this.nowMs + 2 * LONGEST_MS);
    if (this.believer() !== leader) throw new Violation('a leader in peace goes on leading', leader.id);
  }

  private runUntil(endMs: number): void {
    for (;;) {
      const next = this.queue[0];
      if (!next || next.at > endMs) break;
      this.queue.shift();
      this.nowMs = next.at;
      next.run();
    }
    this.nowMs = endMs;
  }

  private after(delayMs: number, run: () => void): void {
    const entry = { at: this.nowMs + delayMs, order: (this.order += 1), run };
    let at = this.queue.length;
    while (at > 0 && (this.queue[at - 1]?.at ?? 0) > entry.at) at -= 1;
    this.queue.splice(at, 0, entry);
  }

  private tell(what: string, ...values: readonly unknown[]): void {
    this.told.push({ at: this.nowMs, what, values });
  }

  /** What was decided, in order; the end of it explains a violation. */
  history(): string[] {
    const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
    return this.told.map(({ at, what, values }) =>
      [at.toFixed(1), what, ...values.map((value) => JSON.stringify(value, plain))].join(' '),
    );
  }

  // Members.

  private join(n: number): void {
    const member: Member = {
      id: `m${n}-${(this.order += 1)}`,
      leaseMs: LEASES_MS[n] ?? 1000,
      graceMs: n === 1 ? GRACE_MS : 0,
      rate: this.chance.between(0.995, 1.005),
      attempt: 0,
      sentAt: 0,
      seen: 0n,
      known: null,
      loss: null,
      term: null,
      frozenUntil: 0,
      gone: false,
    };
    this.members[n] = member;
    // A newcomer has observed nothing, which a store clock that has just stepped forward would deceive.
    const sinceStep = this.nowMs - this.steppedForwardAt;
    this.turn(member, sinceStep < 2 * LONGEST_MS ? 2 * LONGEST_MS : this.chance.between(0, 500));
  }

  private localMs(member: Member): number {
    return this.nowMs * member.rate;
  }

  private believes(member: Member): boolean {
    return !member.gone && member.term !== null && this.localMs(member) < member.term.validUntil;
  }

  private believer(): Member | undefined {
    return this.members.find((member) => this.believes(member));
  }

  private turn(member: Member, delayMs: number): void {
    this.after(delayMs, () => this.act(member));
  }

  private act(member: Member): void {
    if (member.gone) return;
    if (this.nowMs < member.frozenUntil) return this.turn(member, member.frozenUntil - this.nowMs + 1);
    member.attempt += 1;
    member.sentAt = this.localMs(member);
    const { term } = member;
    if (!term || !this.believes(member)) {
      member.term = null;
      this.sendAcquire(member);
      return this.turn(member, this.chance.between(50, 400));
    }
    if (!this.quiet && this.chance.under(this.weather.released)) {
      member.term = null;
      this.sendRelease(member, term.token);
      return this.turn(member, this.chance.between(10, 1500));
    }
    this.sendRenew(member, term);
    return this.turn(member, this.chance.between(0.1, 0.4) * member.leaseMs);
  }

  private sendAcquire(member: Member): void {
    const { id, attempt, leaseMs, graceMs, seen, known, loss, sentAt: askedAt } = member;
    const request: AcquireRequest = {
      resource: RESOURCE,
      id,
      attempt,
      leaseMs,
      graceMs,
      longestMs: LONGEST_MS,
      seen,
      observed: known && {
        holder: known.holder,
        token: known.token,
        beat: known.beat,
        forMs: askedAt - known.since,
      },
      loss: loss && { id: loss.id, forMs: loss.waitedMs + askedAt - loss.at },
      nonce: `n${id}.${attempt}`,
    };
    const sentAt = this.nowMs;
    this.deliver(
      // What was sent before the store's clock stepped forward has not seen what stands now.
      () => (sentAt < this.steppedForwardAt ? null : this.acquire(request)),
      (reply) => reply && this.hear(member, attempt, () => this.heardAcquire(member, reply)),
    );
  }

  private sendRenew(member: Member, term: { token: bigint; number: number }): void {
    const { id, attempt, leaseMs, graceMs } = member;
    const request = {
      resource: RESOURCE,
      id,
      token: term.token,
      leaseMs,
      graceMs,
      beat: attempt,
      term: term.number,
    };
    this.deliver(
      () => {
        const current = this.believes(member) && member.term?.token === term.token;
        const reply = this.store.renew(request, current);
        this.hint();
        return reply;
      },
      (reply) => this.hear(member, attempt, () => this.heardRenew(member, reply)),
    );
  }

  private sendRelease(member: Member, token: bigint): void {
    const request = { resource: RESOURCE, id: member.id, token };
    this.deliver(
      () => this.store.release(request),
      () => {},
    );
  }

  private hear(member: Member, attempt: number, handle: () => void): void {
    if (member.gone) return;
    if (this.nowMs < member.frozenUntil) {
      this.after(member.frozenUntil - this.nowMs + 1, () => this.hear(member, attempt, handle));
    } else if (attempt === member.attempt) handle();
  }

  private heardAcquire(member: Member, reply: AcquireReply): void {
    const now = this.localMs(member);
    if (reply.kind === 'held') this.sight(member, reply, reply.ageMs, member.sentAt);
    if (reply.kind === 'quarantined' && member.loss?.id !== reply.lossId) {
      member.loss = { id: reply.lossId, waitedMs: reply.waitedMs, at: now };
    }
    if (reply.kind === 'held' || reply.kind === 'quarantined') member.seen = max(member.seen, reply.token);
    if (reply.kind !== 'won') return;
    member.seen = max(member.seen, reply.token);
    if (now >= member.sentAt + member.leaseMs / DRIFT_FACTOR || member.term) return;
    const other = this.members.find((each) => each !== member && this.believes(each));
    this.tell('believes', member.id, reply.token);
    if (other)
      throw new Violation('at most one believes', `${member.id} beside ${other.id} at ${this.nowMs}`);
    if (reply.token <= this.highestBelieved) {
      throw new Violation('tokens grow', `${reply.token} after ${this.highestBelieved}`);
    }
    this.highestBelieved = reply.token;
    member.term = {
      token: reply.token,
      number: reply.term,
      validUntil: member.sentAt + member.leaseMs / DRIFT_FACTOR,
    };
  }

  private heardRenew(member: Member, reply: RenewReply): void {
    // What comes after the end is thrown away.
    if (!member.term || !this.believes(member)) return;
    if (reply.kind === 'denied') member.term = null;
    else member.term.validUntil = member.sentAt + member.leaseMs / DRIFT_FACTOR;
  }

  /** What left the store before the latest one knows did, was overtaken on its way. */
  private sight(member: Member, seen: Seen, ageMs: number, askedAt = -Infinity): void {
    const { known } = member;
    const { holder, token, beat } = seen;
    if (known && known.token === token && known.holder === holder && known.beat >= beat) return;
    if (known && known.token > token && askedAt < known.heardAt) return;
    const now = this.localMs(member);
    member.known = { holder, token, beat, since: now - ageMs, heardAt: now };
  }

  // The network.

  private deliver<T>(execute: () => T, answer: (reply: T) => void): void {
    const { lost, repeated } = this.weather;
    const send = () => {
      if (!this.quiet && this.chance.under(lost)) return;
      this.after(this.delayMs(), () => {
        const reply = execute();
        if (!this.quiet && this.chance.under(lost)) return;
        this.after(this.delayMs(), () => answer(reply));
      });
    };
    send();
    if (!this.quiet && this.chance.under(repeated)) {
      this.seen.add('packet repeated');
      send();
    }
  }

  private delayMs(): number {
    if (this.quiet || !this.chance.under(this.weather.late)) return this.chance.between(0.1, 20);
    return this.chance.under(0.5) ? this.chance.between(20, 1500) : this.chance.between(20, 8000);
  }

  private acquire(request: AcquireRequest): AcquireReply {
    const reply = this.store.acquire(request);
    this.hint();
    return reply;
  }

  /** Some hear of what stands now, in any order. */
  private hint(): void {
    const { record } = this.store;
    if (!record?.holder) return;
    const seen = { holder: record.holder ?? '', token: record.token, beat: shownBeat(record) };
    for (const member of this.members) {
      if (!this.chance.under(this.weather.hinted)) continue;
      this.after(this.delayMs(), () => this.sight(member, seen, 0));
    }
  }

  // Faults.

  private fault(): void {
    if (this.quiet) return;
    const { frozen, replaced, dataLost, stepped } = this.weather;
    if (this.chance.under(dataLost)) this.loseData();
    if (this.chance.under(stepped)) this.stepClock();
    for (const [n, member] of this.members.entries()) {
      if (this.chance.under(frozen)) {
        this.seen.add('member frozen');
        member.frozenUntil = this.nowMs + this.chance.between(10, 4000);
      }
      if (this.chance.under(replaced)) {
        this.seen.add('member replaced');
        member.gone = true;
        this.join(n);
      }
    }
    this.after(this.chance.between(50, 1000), () => this.fault());
  }

  private loseData(): void {
    if (this.chance.under(0.4)) this.store.empty(this.chance.under(0.5));
    else this.store.takeBack();
  }

  /** Forward only where all that ask have seen what stands: that is the limit the protocol states. */
  private stepClock(): void {
    if (this.chance.under(0.5)) return this.store.stepBack(this.chance.between(0, 500));
    const standing = this.store.standing();
    if (!standing || this.members.some((member) => this.nowMs < member.frozenUntil)) return;
    const { record, ageMs } = standing;
    this.steppedForwardAt = this.nowMs;
    const { holder, token } = record;
    if (holder)
      for (const member of this.members)
        this.sight(member, { holder, token, beat: shownBeat(record) }, ageMs);
    this.store.stepForward(this.chance.between(0, 5000));
  }
}

const max = (a: bigint, b: bigint): bigint => (a > b ? a : b);

export interface Outcome {
  readonly violation: Violation | null;
  readonly seen: ReadonlySet<Occasion>;
  readonly history: () => readonly string[];
}

/** Runs one schedule; the violation, or null, and what happened in it. */
export function attack(seed: number, using: Protocol): Outcome {
  const world = new World(seed, using);
  try {
    world.run(25);
  } catch (error) {
    if (!(error instanceof Violation)) throw error;
    return { violation: error, seen: world.seen, history: () => world.history() };
  }
  return { violation: null, seen: world.seen, history: () => world.history() };
}
