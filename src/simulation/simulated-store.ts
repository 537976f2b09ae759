import type { Observable } from 'rxjs';
import type { LeadershipEvent } from '../../machines/index.ts';
import type { LeaderElection } from '../leader-election.ts';
import { decideAcquire, decideRelease, decideRenew, type StoreMoment } from '../lease/lease-protocol.ts';
import type { LeaseRecord } from '../lease/lease-record.ts';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseSignal,
  LeaseStore,
  LeaseStoreDescription,
  LeaseView,
  ReleaseReply,
  ReleaseRequest,
  RenewReply,
  RenewRequest,
} from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { VirtualClock } from '../runtime/virtual-clock.ts';
import type { Random } from './random.ts';

/**
 * The seam between the simulator and what it simulates: the server side of a lease store (a model), and bugs to plant.
 *
 * Who does what. The simulator owns time, the members and the network between each member and the model: delay, loss
 * in each direction, duplicates, reordering, cuts. The model owns the server: its clock, its records, its data and
 * what may befall them. It is synchronous: `execute` is one atomic decision at the present instant of true time.
 */

/** One request as it arrives at the server. */
export type StoreCall =
  | { readonly kind: 'acquire'; readonly request: AcquireRequest }
  | { readonly kind: 'renew'; readonly request: RenewRequest }
  | { readonly kind: 'release'; readonly request: ReleaseRequest }
  | { readonly kind: 'read'; readonly request: { readonly resource: string } };

/** What a member can ask of a simulated store. */
export type StoreCallKind = StoreCall['kind'];

/** What the server answers, by the kind of call. */
export interface StoreReplies {
  readonly acquire: AcquireReply;
  readonly renew: RenewReply;
  readonly release: ReleaseReply;
  readonly read: LeaseView | null;
}

/** What a simulated store can answer. */
export type StoreReply = StoreReplies[StoreCallKind];

/**
 * One thing that goes wrong on the server, now. What lasts ends by itself after a time drawn here (`options.clock`),
 * or by `heal`. `draw` belongs to this one occurrence: what it gives does not depend on any other fault.
 */
export type StoreFault = (draw: Random) => void;

/** One server side, driven by the simulator. */
export interface StoreModel {
  /**
   * Runs one request now. Throws `StoreUnavailableError` for what a server answers instead (READONLY, OOM, LOADING,
   * BUSY …), `outcomeUnknown` as the shipped store would have it; the error travels back like a reply.
   *
   * @param from The member that asks (its host's name, such as `m0`), for models with several servers.
   */
  execute(call: StoreCall, from: string): StoreReply;
  /**
   * True milliseconds (`clock.nowMs`) until which the server handles nothing: requests that arrive before are executed
   * then, in order. 0 when it is not frozen.
   */
  readonly frozenUntilMs: number;
  /** Faults by name, in kebab-case. The simulator draws among them, how often, and when. */
  readonly faults: Readonly<Record<string, StoreFault>>;
  /** What pub/sub would publish, at the instant of the decision. The simulator's network delays and loses it. */
  readonly signals: Observable<LeaseSignal>;
  /** For `describe()` of the members' stores, and for reports. */
  readonly description: LeaseStoreDescription;
  /** Ends whatever lasts (read-only, frozen, partitioned servers …); data stay lost. The liveness phase begins so. */
  heal(): void;
  /** What befell the server beyond what the store promises; without it, nothing ever does. */
  readonly limit?: StoreLimit;
}

/**
 * How far a stated limit of the store reaches: a failover without acknowledged writes while the old primary still
 * takes some, a server's clock that steps forward before those who ask have seen a renewal, and the like. What lies
 * within is counted, not a failure; everything else is one.
 */
export interface StoreLimit {
  /** True milliseconds until which two members may believe. */
  readonly untilMs: number;
  /** Tokens up to this one may be followed by a smaller one, or come twice. */
  readonly token: bigint;
}

/** The protocol's decisions, as a model takes them; a mutant has another one of these. */
export interface Protocol {
  readonly acquire: typeof decideAcquire;
  readonly renew: typeof decideRenew;
  readonly release: (
    before: LeaseRecord | null,
    ask: ReleaseRequest,
    moment: StoreMoment,
  ) => ReturnType<typeof decideRelease>;
}

/** The lease protocol as it is shipped; planted bugs replace parts of it. */
export const shippedProtocol: Protocol = {
  acquire: decideAcquire,
  renew: decideRenew,
  release: decideRelease,
};

/** What a model of a store is made of. */
export interface StoreModelOptions {
  /** True time. A server's own clock is made of it: `clock.node({ driftPpm, offsetMs })`. */
  readonly clock: VirtualClock;
  /** Draws the model's own properties (its clock's drift, latencies), the same for the same seed. */
  readonly random: Random;
  readonly protocol: Protocol;
  /** Longest lease the members use, in milliseconds: the scale of what is drawn. */
  readonly leaseMs: number;
  /** Counts that something a campaign is meant to try has happened; kebab-case, such as `lossy-failover`. */
  readonly sometimes: (what: string) => void;
}

/** Makes a model for one run. */
export type StoreModelFactory = (options: StoreModelOptions) => StoreModel;

/** A kind of store that can be simulated. */
export interface StoreKind {
  readonly name: string;
  readonly create: StoreModelFactory;
  /** What a campaign over this store must have reached (names given to `sometimes`). */
  readonly mustReach: readonly string[];
}

/**
 * A planted bug: the shipped code with one rule taken out, which a campaign must find within its budget of seeds.
 * Shipped code is not bent for it: a bug of the store is another decision function; a bug of the member is planted
 * around it, at the ports it takes and at its actor's mailbox.
 */
export interface Mutant {
  /** Kebab-case. */
  readonly name: string;
  /** Which rule is missing, in one sentence. */
  readonly planted: string;
  /** Seeds within which it must be found, beginning with 1. */
  readonly seeds: number;
  /** Only on this kind of store (`StoreKind.name`); default on the runner's own. */
  readonly store?: string;
  /** Decisions of the store that differ. */
  readonly protocol?: Partial<Protocol>;
  /** What differs in every member. */
  readonly member?: MemberMutation;
}

/** Where a member can be changed from outside. */
export interface MemberMutation {
  /** Instead of a drift drawn from ± 5000 ppm, for every member: parts per million, drawn from this range. */
  readonly driftPpm?: { readonly from: number; readonly to: number };
  /** The clock the election is given, made of its host's. */
  readonly clock?: (clock: Clock) => Clock;
  /** The store the election is given, made of what the network gives. */
  readonly leases?: (leases: LeaseStore, clock: Clock) => LeaseStore;
  /**
   * Each event on its way to the chart, timers not included: return it changed, or null to drop it. What the chart
   * knows is `election.actor.getSnapshot().context`.
   */
  readonly event?: (event: LeadershipEvent, election: LeaderElection) => LeadershipEvent | null;
  /** Whether the member believes that it leads; default `election.isLeader`. */
  readonly believes?: (election: LeaderElection) => boolean;
}
