import { Subject } from 'rxjs';
import { resolveOptions, type LeaderElectionOptions } from './election/options.ts';
import type { LeadershipTerm } from './election/term.ts';
import { LeaderElection } from './leader-election.ts';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseSignal,
  LeaseStore,
  LeaseView,
  RenewReply,
  RenewRequest,
} from './lease/lease-store.ts';

export { VirtualClock } from './runtime/virtual-clock.ts';

/**
 * For the tests of applications: an election whose leadership the test decides. It runs the shipped chart and
 * handle over a store that does what it is told, so that terms, signals, events and the journal are real.
 */

/** Long enough that no timer interferes with a test that does not want it. */
const LEASE_MS = 3_600_000;

/** A lease store with one seat, given to whom the test says. */
class HandLeases implements LeaseStore {
  readonly #signals = new Subject<LeaseSignal>();
  readonly #resource: string;
  #holder: string | null;
  #mine = false;
  #token = 1n;
  #term = 0;

  constructor(resource: string, leader: string | null) {
    this.#resource = resource;
    this.#holder = leader;
  }

  async acquire({ id, leaseMs }: AcquireRequest): Promise<AcquireReply> {
    if (!this.#mine) {
      const holder = this.#holder ?? 'nobody';
      const times = { leaseMs, remainingMs: leaseMs, ageMs: 0 };
      return { kind: 'held', holder, token: this.#token, beat: 0, ...times };
    }
    this.#holder = id;
    return { kind: 'won', token: ++this.#token, term: ++this.#term };
  }

  async renew({ token }: RenewRequest): Promise<RenewReply> {
    if (this.#mine && token === this.#token) return { kind: 'renewed', restored: false };
    return { kind: 'denied', holder: this.#holder, token: this.#token };
  }

  async release(): Promise<{ released: boolean }> {
    const released = this.#mine;
    this.#mine = false;
    this.#holder = null;
    return { released };
  }

  async read(resource: string): Promise<LeaseView> {
    const { holder, token, term } = { holder: this.#holder, token: this.#token, term: this.#term };
    return { resource, holder, token, term, beat: 0, leaseMs: LEASE_MS, remainingMs: LEASE_MS };
  }

  watch() {
    return this.#signals;
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

  /** The seat is somebody else's, or nobody's. */
  give(holder: string | null): void {
    const mine = this.#mine;
    this.#mine = false;
    this.#holder = holder;
    const { token } = { token: mine ? this.#token++ : ++this.#token };
    if (mine) this.#signals.next({ kind: 'released', resource: this.#resource, token });
    else if (holder !== null) {
      const lease = { holder, token: this.#token, beat: 0, leaseMs: LEASE_MS, ageMs: 0 };
      this.#signals.next({ kind: 'acquired', resource: this.#resource, ...lease });
    }
  }
}

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
    const leases = new HandLeases(resource, leader ?? null);
    super(resolveOptions({ leaseDurationMs: LEASE_MS, retryIntervalMs: 1, ...options, resource, leases }));
    this.#leases = leases;
  }

  /** Makes this member the leader; resolves with the term when it is. */
  async lead(): Promise<LeadershipTerm> {
    const present = this.term;
    if (present) return present;
    this.#leases.offer();
    // A member that sits out or is paused comes back only when it is told to.
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
    if (term === null) return;
    await new Promise<void>((resolve) => {
      if (term.signal.aborted) return resolve();
      term.signal.addEventListener('abort', () => resolve(), { once: true });
    });
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
