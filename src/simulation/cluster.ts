import { DRIFT_FACTOR, resolveTimings } from '../../machines/index.ts';
import type { VirtualClock } from '../runtime/virtual-clock.ts';
import { faultRandom, type MemberFaultName, type PlannedFault } from './fault-plan.ts';
import { Host, type Incarnation } from './host.ts';
import type { Judge } from './judge.ts';
import type { LinkFault } from './link.ts';
import { Random } from './random.ts';
import type { RunOptions } from './run-options.ts';
import { SimulatedJournals, type RunTrace } from './simulated-journal.ts';
import type { MemberMutation, StoreModel } from './simulated-store.ts';

/** What members that do not recover are; one whose requests still arrive is the worst of them. */
const GONE = ['dead', 'cut', 'frozen', 'unanswered'] as const;

export interface ClusterSettings {
  readonly clock: VirtualClock;
  readonly options: RunOptions;
  readonly model: StoreModel;
  readonly judge: Judge;
  readonly trace: RunTrace;
  readonly mutation: MemberMutation;
}

/** The members of a run and what befalls them. */
export class Cluster {
  readonly hosts: readonly Host[];
  readonly journals: SimulatedJournals;
  readonly leaseMs: number;
  readonly #settings: ClusterSettings;
  /** Longest lease that anybody was ever given. */
  #longestMs: number;
  #healed = false;
  #unanswered = 0;

  constructor(settings: ClusterSettings) {
    const { clock, options, model, judge, trace, mutation } = settings;
    this.#settings = settings;
    this.journals = new SimulatedJournals(trace);
    const { leaseMs } = resolveTimings(options.timings);
    this.leaseMs = leaseMs;
    this.#longestMs = leaseMs;
    const shared = { clock, model, options, leaseMs, mutation, witness: judge, journals: this.journals };
    const random = new Random(options.seed);
    this.hosts = options.members.map((_, i) => new Host(shared, i, random.fork(`host/${i}`)));
  }

  /**
   * Most that passes, with faults over, until somebody leads: a wait for a lease and one for lost data, and what lies
   * between. A member whose requests arrive and whose answers do not takes its turns of a lease and three requests.
   */
  get boundMs(): number {
    const { timings, link } = this.#settings.options;
    const { graceMs, callTimeoutMs, retryMaxMs } = resolveTimings(timings);
    const oneWaitMs = this.#longestMs * DRIFT_FACTOR + graceMs;
    const requestMs = callTimeoutMs + retryMaxMs;
    const messagesMs = 10 * link.meanDelayMs;
    return 2 * oneWaitMs + 4 * requestMs + messagesMs + this.#unanswered * (oneWaitMs + 3 * requestMs);
  }

  /** Most that a handover takes where every hint arrives and nobody takes the lease without knowing; null elsewhere. */
  get handoverMs(): number | null {
    const { link, disk, timings } = this.#settings.options;
    if (link.loss > 0 || link.hintLoss > 0 || this.#unanswered > 0) return null;
    const { journalMs, drainMs, staggerMs } = resolveTimings(timings);
    // One that asks when it hears of it is answered after four messages and a write; none takes fifteen times the mean.
    const messagesMs = 15 * (link.meanDelayMs + disk.meanDelayMs);
    return 2 * (drainMs + journalMs) + 2 * staggerMs + messagesMs;
  }

  get nowMs(): number {
    return this.#settings.clock.nowMs;
  }

  /** Members start one after the other, as a deployment has them. */
  start(): void {
    const random = new Random(this.#settings.options.seed).fork('start');
    for (const host of this.hosts)
      this.#settings.clock.setTimeout(() => host.start(), random.exponential(this.leaseMs / 10));
  }

  apply(fault: PlannedFault): void {
    const { judge, model, options } = this.#settings;
    const draw = faultRandom(options.seed, fault.id).fork('what');
    const onStore = model.faults[fault.name];
    if (onStore !== undefined) return onStore(draw);
    const leader = judge.leader?.host ?? null;
    const host = (fault.atLeader ? leader : null) ?? this.hosts[fault.member];
    if (host === undefined) return;
    this.#befall(host, fault, draw, host === leader);
  }

  #befall(host: Host, fault: PlannedFault, draw: Random, leads: boolean): void {
    const { id, forMs } = fault;
    const { judge } = this.#settings;
    const later = (then: () => void) =>
      void this.#settings.clock.setTimeout(() => this.#healed || then(), forMs);
    const onLink = (condition: LinkFault) => {
      host.link.begin(id, condition);
      later(() => host.link.end(id));
    };
    switch (fault.name as MemberFaultName) {
      case 'freeze':
        if (leads && forMs > this.leaseMs) judge.sometimes('leader-frozen-past-its-lease');
        host.freeze(id);
        return later(() => host.thaw(id));
      case 'stall':
        return this.#stall(host, fault, draw);
      case 'crash':
        if (leads) judge.sometimes('leader-crashed');
        host.crash();
        return later(() => host.start());
      case 'redeploy':
        return host.stop(() => host.start());
      case 'rolling-restart':
        return this.#roll(0);
      case 'cut':
        return onLink({ requests: 'lost', replies: 'lost', hints: 'lost' });
      case 'cut-requests':
        return onLink({ requests: 'lost' });
      case 'cut-replies':
        return onLink({ replies: 'lost', hints: 'lost' });
      case 'slow':
        return onLink({ extraDelayMs: draw.exponential(this.leaseMs / 10) });
      case 'lossy':
        return onLink({ loss: draw.between(0.2, 0.9) });
      case 'repeat':
        return onLink({ repeats: draw.between(0.3, 1) });
      case 'deaf':
        return onLink({ hints: 'lost' });
      case 'wall-jump':
        return host.node.jumpWall((draw.chance(0.5) ? 1 : -1) * draw.exponential(2 * this.leaseMs));
      case 'drift':
        return host.node.setDrift(draw.between(-5000, 5000));
      case 'disk-full':
        host.disk.beginFull(id);
        return later(() => host.disk.end(id));
      case 'disk-slow':
        host.disk.beginSlow(id, draw.exponential(this.leaseMs / 10));
        return later(() => host.disk.end(id));
      case 'resign':
        return void host.member?.election.resign();
      case 'pause':
        host.member?.election.pause();
        return later(() => host.member?.election.resume());
      case 'configure':
        return this.#configure(draw);
    }
  }

  /** Stands still and goes on, again and again. */
  #stall(host: Host, { id, forMs }: PlannedFault, draw: Random): void {
    const { clock } = this.#settings;
    const endsAt = clock.nowMs + forMs;
    const meanMs = draw.pick([5, 50, this.leaseMs / 20]);
    const turn = () => {
      if (this.#healed || clock.nowMs >= endsAt) return;
      host.freeze(id);
      clock.setTimeout(() => {
        host.thaw(id);
        clock.setTimeout(turn, draw.exponential(meanMs / 3));
      }, draw.exponential(meanMs));
    };
    turn();
  }

  #roll(from: number): void {
    const host = this.hosts[from];
    if (this.#healed || host === undefined) return;
    const next = () => this.#roll(from + 1);
    if (host.member === null || host.member.stopping !== null) return next();
    host.stop(() => {
      host.start();
      this.#settings.clock.setTimeout(next, this.leaseMs / 10);
    });
  }

  /** New timings for all, as a change of the configuration has it. */
  #configure(draw: Random): void {
    const { timings } = this.#settings.options;
    const factor = draw.pick([0.5, 1, 2]);
    const scaled = Object.fromEntries(
      Object.entries(timings).map(([name, value]) => [
        name,
        typeof value === 'number'
          ? Math.max(value * factor, 1000 * Number(name === 'leaseDurationMs'))
          : value,
      ]),
    );
    this.#longestMs = Math.max(this.#longestMs, resolveTimings(scaled).leaseMs);
    for (const host of this.hosts) {
      host.timings = scaled;
      host.member?.election.configure(scaled);
    }
  }

  /**
   * Ends all faults for a random part of the members; the rest are dead, frozen or cut off for good. Returns those
   * that are well.
   */
  heal(random: Random): readonly Host[] {
    this.#healed = true;
    this.#settings.model.heal();
    const core = this.hosts.filter(() => random.chance(0.7));
    const well = core.length > 0 ? core : [random.pick(this.hosts)];
    for (const host of this.hosts) {
      const how = random.pick(GONE);
      if (!well.includes(host)) this.#lose(host, how);
    }
    for (const host of well) {
      host.heal();
      host.start();
      host.member?.election.resume();
    }
    return well;
  }

  /** For good. */
  #lose(host: Host, how: (typeof GONE)[number]): void {
    host.link.heal();
    if (how === 'unanswered') this.#unanswered += 1;
    const nothingBack = { replies: 'lost', hints: 'lost' } as const;
    host.link.begin(Infinity, how === 'unanswered' ? nothingBack : { requests: 'lost', ...nothingBack });
    if (how === 'dead') host.crash();
    if (how === 'frozen') host.freeze(Infinity);
  }

  get members(): readonly Incarnation[] {
    return this.hosts.flatMap(({ member }) => member ?? []);
  }

  /** What each member is at and waits for. */
  describe(): string {
    return this.hosts.map((host) => `  ${host.describe()}`).join('\n');
  }
}
