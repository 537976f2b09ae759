import { createLeaderElection, type LeaderElection } from '../leader-election.ts';
import type { LeadershipTerm } from '../election/term.ts';
import type { LeadershipEvent } from '../../machines/index.ts';
import type { NodeClock, VirtualClock } from '../runtime/virtual-clock.ts';
import { Link, RESOURCE, type LinkEnd, type LinkWitness } from './link.ts';
import type { Random } from './random.ts';
import type { Write } from './protected-resource.ts';
import type { RunOptions } from './run-options.ts';
import { SimulatedDisk, type SimulatedJournals } from './simulated-journal.ts';
import type { MemberMutation, StoreModel } from './simulated-store.ts';

/** What the hosts of a run share. */
export interface HostSettings {
  readonly clock: VirtualClock;
  readonly model: StoreModel;
  readonly options: RunOptions;
  readonly leaseMs: number;
  readonly journals: SimulatedJournals;
  readonly mutation: MemberMutation;
  readonly witness: HostWitness;
}

/** Who is told what members do. */
export interface HostWitness extends LinkWitness {
  joined(member: Incarnation): void;
  led(member: Incarnation, term: LeadershipTerm): void;
  wrote(member: Incarnation, write: Write): void;
  failed(member: Incarnation, error: unknown): void;
}

/** A write that takes this long to arrive meets the next leader's. */
const SLOW_WRITES = 0.1;

/** One process of a member, from its start to its end. */
export class Incarnation implements LinkEnd {
  readonly host: Host;
  readonly election: LeaderElection;
  readonly #believes: (election: LeaderElection) => boolean;
  alive = true;
  /** Asked to stop, and on its way. */
  stopping: Promise<void> | null = null;
  stopped = false;

  constructor(host: Host, settings: HostSettings, random: Random) {
    const { options, journals, mutation } = settings;
    this.host = host;
    this.#believes = mutation.believes ?? ((election) => election.isLeader);
    const leases = host.link.storeOf(this);
    const clock = mutation.clock?.(host.node) ?? host.node;
    const incarnation = `${host.name}:${host.incarnations}`;
    this.election = createLeaderElection({
      ...host.timings,
      resource: RESOURCE,
      leases: mutation.leases?.(leases, clock) ?? leases,
      candidateId: host.name,
      journal: journals.of(host.disk, incarnation),
      onJournalFailure: options.disk.onFailure,
      clock,
      randomness: random,
    });
    if (mutation.event !== undefined) interceptEvents(this.election, mutation.event);
  }

  get name(): string {
    return this.host.name;
  }

  get believes(): boolean {
    return this.alive && this.#believes(this.election);
  }

  stop(): Promise<void> {
    this.stopping ??= this.#stop();
    return this.stopping;
  }

  async #stop(): Promise<void> {
    await this.election.stop();
    this.stopped = true;
    this.alive = false;
  }

  /** What it is at, for people. */
  describe(): string {
    const { value, context } = this.election.actor.getSnapshot();
    const { waitMs, waitReason, failures, attempt } = context;
    const because = waitReason === null ? '' : ` because of ${waitReason}`;
    return `${this.election.candidateId} is ${JSON.stringify(value)}, last wait ${Math.round(waitMs)} ms${because}, request ${attempt}, ${failures} failures in a row`;
  }
}

/** Events on their way to the chart pass through here, as a planted bug wants them. */
function interceptEvents(election: LeaderElection, change: NonNullable<MemberMutation['event']>): void {
  const { actor } = election;
  const send = actor.send.bind(actor);
  actor.send = (event: LeadershipEvent) => {
    const changed = change(event, election);
    if (changed !== null) send(changed);
  };
}

/** Where one member runs: its clocks, its disk, its link to the store, one process after the other. */
export class Host {
  readonly name: string;
  readonly node: NodeClock;
  readonly link: Link;
  readonly disk: SimulatedDisk;
  readonly #settings: HostSettings;
  readonly #random: Random;
  timings: RunOptions['timings'];
  incarnations = 0;
  member: Incarnation | null = null;
  /** Faults that keep it frozen. */
  readonly #freezes = new Set<number>();

  constructor(settings: HostSettings, index: number, random: Random) {
    const { clock, options, model, leaseMs, witness } = settings;
    const { driftPpm = 0, offsetMs = 0 } = options.members[index] ?? {};
    this.name = `m${index}`;
    this.#settings = settings;
    this.#random = random;
    this.timings = options.timings;
    this.node = clock.node({ driftPpm, offsetMs });
    this.link = new Link({
      host: this.name,
      clock,
      node: this.node,
      model,
      options: options.link,
      leaseMs,
      random: random.fork('link'),
      witness,
    });
    this.disk = new SimulatedDisk(options.disk, this.node, random.fork('disk'), (what) =>
      witness.sometimes(what),
    );
  }

  /** Starts a process, unless one runs. */
  start(): void {
    if (this.member !== null) return;
    const random = this.#random.fork(`incarnation/${this.incarnations}`);
    const member = new Incarnation(this, this.#settings, random.fork('election'));
    this.incarnations += 1;
    this.member = member;
    this.#work(member, random.fork('work'));
    const { witness } = this.#settings;
    member.election.actor.subscribe({ error: (error) => witness.failed(member, error) });
    witness.joined(member);
    member.election.start().catch((error: unknown) => witness.failed(member, error));
  }

  /** The process is gone, in the middle of whatever it did. */
  crash(): void {
    const { member } = this;
    if (member === null) return;
    member.alive = false;
    this.member = null;
    this.node.clearAll();
    this.disk.crash();
    this.#freezes.clear();
    this.node.resume();
  }

  /** Stops the process in order; `then` when it has stopped. */
  stop(then: () => void = () => {}): void {
    const { member } = this;
    if (member === null || member.stopping !== null) return;
    void this.#stop(member, then);
  }

  async #stop(member: Incarnation, then: () => void): Promise<void> {
    await member.stop();
    if (this.member !== member) return;
    this.member = null;
    // What the process left behind goes with it.
    this.node.clearAll();
    then();
  }

  freeze(id: number): void {
    this.#freezes.add(id);
    this.node.pause();
  }

  thaw(id: number): void {
    this.#freezes.delete(id);
    if (this.#freezes.size === 0) this.node.resume();
  }

  get isFrozen(): boolean {
    return this.#freezes.size > 0;
  }

  heal(): void {
    this.#freezes.clear();
    this.node.resume();
    this.link.heal();
    this.disk.heal();
  }

  describe(): string {
    const frozen = this.isFrozen ? ', frozen' : '';
    return `${this.member?.describe() ?? `${this.name} is down`}; ${this.link.describe()}${frozen}`;
  }

  /** What a leader does with its term: it writes to the resource, and some of its work takes time to settle. */
  #work(member: Incarnation, random: Random): void {
    const { options, witness, leaseMs, clock } = this.#settings;
    const { node } = this;
    const { election } = member;
    election.on('becameLeader', () => {
      const { term } = election;
      if (term === null) return;
      witness.led(member, term);
      if (options.slowWork) {
        const settled = Promise.withResolvers<void>();
        term.waitUntil(settled.promise);
        const settleMs = random.exponential(leaseMs / 4);
        const settle = () => settled.resolve();
        term.signal.addEventListener('abort', () => void node.setTimeout(settle, settleMs));
      }
      const write = () => {
        if (term.signal.aborted || !member.believes) return;
        // On its way to a third system: nothing the election does can call it back.
        const meanMs = random.chance(SLOW_WRITES) ? leaseMs : options.link.meanDelayMs;
        const sent = { token: term.token, by: election.candidateId };
        clock.setTimeout(() => witness.wrote(member, sent), random.exponential(meanMs));
        node.setTimeout(write, random.exponential(options.workEveryMs));
      };
      write();
    });
  }
}
