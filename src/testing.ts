/** For the tests of applications: an election whose leadership the test decides, and a clock that it owns. */
import { Subject } from 'rxjs';
import { resolveOptions, type LeaderElectionOptions } from './election/options.ts';
import type { LeadershipTerm } from './election/term.ts';
import { LeaderElection } from './leader-election.ts';
import { memoryLeases } from './lease/memory-lease-store.ts';
import type {
  AcquireReply,
  AcquireRequest,
  CallOptions,
  LeaseSignal,
  LeaseStore,
  LeaseView,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from './lease/lease-store.ts';
import type { Clock } from './runtime/clock.ts';

export { VirtualClock } from './runtime/virtual-clock.ts';

/**
 * For the tests of applications: an election whose leadership the test decides. It runs the shipped chart and
 * handle over a store that does what it is told, so that terms, signals, events and the journal are real.
 */

/** Long enough that no timer interferes with a test that does not want it. */
const LEASE_MS = 3_600_000;

/** Holds the seat when nobody does, so that it has to be given. */
const NOBODY = 'nobody';

/** A lease store with one seat, given to whom the test says. Other resources, those of tasks, are free to take. */
class HandLeases implements LeaseStore {
  readonly #others: LeaseStore;
  readonly #signals = new Subject<LeaseSignal>();
  readonly #resource: string;
  #holder: string | null;
  #mine = false;
  #token = 1n;
  #term = 0;

  constructor(resource: string, leader: string | null, clock: Clock | undefined) {
    this.#resource = resource;
    this.#holder = leader;
    this.#others = memoryLeases(clock === undefined ? {} : { clock });
  }

  async acquire(request: AcquireRequest, options: CallOptions): Promise<AcquireReply> {
    if (request.resource !== this.#resource) return this.#others.acquire(request, options);
    const { id, leaseMs } = request;
    if (!this.#mine) {
      const holder = this.#holder ?? NOBODY;
      const times = { leaseMs, remainingMs: leaseMs, ageMs: 0 };
      return { kind: 'held', holder, token: this.#token, beat: 0, ...times };
    }
    this.#holder = id;
    return { kind: 'won', token: ++this.#token, term: ++this.#term };
  }

  async renew(request: RenewRequest, options: CallOptions): Promise<RenewReply> {
    if (request.resource !== this.#resource) return this.#others.renew(request, options);
    const { token } = request;
    if (this.#mine && token === this.#token) return { kind: 'renewed', restored: false };
    return { kind: 'denied', holder: this.#holder, token: this.#token };
  }

  async release(request: ReleaseRequest, options: CallOptions): Promise<ReleaseReply> {
    if (request.resource !== this.#resource) return this.#others.release(request, options);
    const released = this.#mine && request.token === this.#token;
    if (released) this.#mine = false;
    if (released) this.#holder = null;
    return { released };
  }

  async read(resource: string, options: CallOptions): Promise<LeaseView | null> {
    if (resource !== this.#resource) return this.#others.read(resource, options);
    const { holder, token, term } = { holder: this.#holder, token: this.#token, term: this.#term };
    return { resource, holder, token, term, beat: 0, leaseMs: LEASE_MS, remainingMs: LEASE_MS };
  }

  watch(resource: string) {
    return resource === this.#resource ? this.#signals : this.#others.watch(resource);
  }

  describe() {
    const [location, scope] = ['the test', 'process'] as const;
    return { kind: 'memory' as const, location, scope, push: true, caveats: [] };
  }

  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}

  /** The seat is this member's; it hears of it at once. */
  offer(): void {
    this.#mine = true;
    this.#signals.next({ kind: 'released', resource: this.#resource, token: this.#token });
  }

  /** The seat is somebody else's, or nobody's: the member that has it asks, and is denied. */
  give(holder: string | null): void {
    const token = this.#token++;
    const mine = this.#mine;
    this.#mine = false;
    this.#holder = holder;
    if (mine) this.#signals.next({ kind: 'released', resource: this.#resource, token });
  }

  /** Tells who has the seat. */
  announce(): void {
    const lease = { holder: this.#holder ?? NOBODY, token: this.#token, beat: 0 };
    const times = { leaseMs: LEASE_MS, ageMs: 0 };
    this.#signals.next({ kind: 'acquired', resource: this.#resource, ...lease, ...times });
  }
}

/** What `createTestElection` takes: the options of an election without a store. */
export interface TestElectionOptions extends Omit<LeaderElectionOptions, 'leases' | 'resource' | 'enabled'> {
  readonly resource?: string;
  /** Who leads at first. Default nobody that is known. */
  readonly leader?: string;
}

/** An election whose leadership the test sets by hand. */
export class TestElection extends LeaderElection {
  readonly #leases: HandLeases;

  /** Use `createTestElection`. */
  constructor({ leader, ...options }: TestElectionOptions) {
    const resource = options.resource ?? 'test';
    const leases = new HandLeases(resource, leader ?? null, options.clock);
    super(resolveOptions({ leaseDurationMs: LEASE_MS, retryIntervalMs: 1, ...options, resource, leases }));
    this.#leases = leases;
  }

  /** As ever; nobody is null, although events call it "nobody". */
  override get currentLeader(): string | null {
    const leader = super.currentLeader;
    return leader === NOBODY ? null : leader;
  }

  /** Makes this member the leader, also after it has resigned; resolves with the term when it is. */
  async lead(): Promise<LeadershipTerm> {
    const present = this.term;
    if (present) return present;
    // A lease that is being handed over cannot be won before.
    if (this.actor.getSnapshot().matches('releasing')) await this.resign();
    // Who sits out does so until somebody else leads.
    if (this.actor.getSnapshot().matches({ follower: 'waitingOut' })) await this.follow(null);
    this.#leases.offer();
    // A member that is paused comes back only when it is told to.
    const term = await this.whenLeader();
    if (term === null) throw new Error('The test election was stopped before it led.');
    return term;
  }

  /** Takes leadership away as a store does that denies a renewal; resolves when the term has ended. */
  async lose(): Promise<void> {
    await this.follow(null);
  }

  /** Has another member lead, or nobody (null); resolves when this member knows. */
  async follow(leader: string | null): Promise<void> {
    const { term } = this;
    this.#leases.give(leader);
    if (term !== null)
      await new Promise<void>((resolve) => {
        if (term.signal.aborted) return resolve();
        term.signal.addEventListener('abort', () => resolve(), { once: true });
      });
    this.#leases.announce();
  }
}

/**
 * An election for tests of what depends on leadership.
 *
 * @example
 * await using election = createTestElection();
 * await election.start();
 * const term = await election.lead();
 * await election.lose();
 * expect(term.signal.aborted).toBe(true);
 */
export function createTestElection(options: TestElectionOptions = {}): TestElection {
  return new TestElection(options);
}
