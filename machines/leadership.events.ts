/**
 * The vocabulary of the leadership chart: facts in the past tense that the world reports, commands in the
 * imperative, and the facts the chart emits. Everything is plain JSON. Times are milliseconds: `at`, `sentAt`
 * monotonic, `wall`, `sentWall` Unix time. Tokens are decimal strings. `luck` is a random number in [0, 1) drawn
 * by whoever reports, so that jitter enters as data.
 */

/** Every event tells when it was reported. */
interface Reported {
  readonly at: number;
}

/** A reply to the request with this attempt number; the reply to any other request is ignored. */
interface Reply extends Reported {
  readonly attempt: number;
}

/** What went wrong, without a stack. */
export interface Failure {
  readonly code: string;
  readonly message: string;
}

/** Timing of one member, in milliseconds. `leadership.rules.ts` says which combinations are safe. */
export interface LeadershipTimings {
  readonly leaseMs: number;
  readonly renewIntervalMs: number;
  /** How long one request to the store may take. */
  readonly callTimeoutMs: number;
  /** First wait after a failed request; doubled up to `retryMaxMs` while following, constant while leading. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
  readonly graceMs: number;
  /** Longest wait for running work to settle before the lease is handed over. */
  readonly drainMs: number;
  /** Longest wait for the journal to take the record of a won term. */
  readonly journalMs: number;
  /** Followers spread their attempts over this much, against a herd. */
  readonly staggerMs: number;
  /**
   * How long after sending a request its success lets this member believe that it leads, before the guard is
   * taken off: the lease shortened by the assumed drift, or an earlier deadline of the user's.
   */
  readonly beliefMs: number;
}

/** What a member is told to do. */
export type LeadershipCommand =
  | ({ readonly type: 'resign' } & Reported)
  | ({ readonly type: 'pause' } & Reported)
  | ({ readonly type: 'resume' } & Reported)
  | ({ readonly type: 'stop' } & Reported)
  /** New timings; a term that runs, or was asked for already, keeps its own. */
  | ({ readonly type: 'configure'; readonly timings: LeadershipTimings } & Reported);

/** What a store answered, a journal confirmed, or the surroundings observed. */
export type LeadershipFact =
  | ({
      readonly type: 'lease.acquired';
      readonly sentAt: number;
      readonly wall: number;
      readonly sentWall: number;
      readonly token: string;
      readonly term: number;
      /** Safety margin to leave before the end of the lease. */
      readonly guardMs: number;
      readonly luck: number;
    } & Reply)
  | ({
      readonly type: 'lease.held';
      readonly holder: string;
      readonly token: string;
      readonly beat: number;
      readonly leaseMs: number;
      readonly remainingMs: number;
      readonly ageMs: number;
      readonly luck: number;
    } & Reply)
  | ({
      readonly type: 'lease.quarantined';
      readonly lossId: string;
      readonly remainingMs: number;
      readonly waitedMs: number;
      readonly token: string;
      readonly fresh: boolean;
    } & Reply)
  | ({ readonly type: 'attempt.refused'; readonly lastAttempt: number } & Reply)
  | ({
      readonly type: 'lease.renewed';
      readonly sentAt: number;
      readonly wall: number;
      readonly sentWall: number;
      readonly guardMs: number;
      readonly restored: boolean;
      /** Another live member that goes by the same name, if the store has heard of one. */
      readonly namesake: string | null;
      readonly luck: number;
    } & Reply)
  | ({ readonly type: 'lease.denied'; readonly holder: string | null; readonly token: string } & Reply)
  | ({ readonly type: 'lease.released'; readonly released: boolean } & Reply)
  | ({
      readonly type: 'store.failed';
      readonly error: Failure;
      readonly outcomeUnknown: boolean;
      readonly luck: number;
    } & Reply)
  /** Another member's lease was seen, by push or by reading. A hint: it moves timers, it grants nothing. */
  | ({
      readonly type: 'lease.observed';
      readonly holder: string;
      readonly token: string;
      readonly beat: number;
      readonly leaseMs: number;
      readonly ageMs: number;
      readonly luck: number;
    } & Reported)
  /** The lease with this token was given up. A hint too. */
  | ({ readonly type: 'release.observed'; readonly token: string; readonly luck: number } & Reported)
  /** Hints may have been missed, or the store is back: look again. */
  | ({ readonly type: 'watch.resumed'; readonly luck: number } & Reported)
  | ({ readonly type: 'work.settled' } & Reported)
  | ({ readonly type: 'journal.committed'; readonly token: string } & Reported)
  | ({ readonly type: 'journal.failed'; readonly error: Failure } & Reported)
  /** Time passed that no timer told of: a freeze, a suspended host, a stepped wall clock. */
  | ({ readonly type: 'clock.moved'; readonly wall: number } & Reported);

/** Everything the leadership chart can be sent. */
export type LeadershipEvent = LeadershipCommand | LeadershipFact;

/** Why a term ended. */
export type LossCause = 'expired' | 'denied' | 'released' | 'transferred' | 'stopped';

/** What the chart tells whoever listens. */
export type LeadershipEmitted =
  | { readonly type: 'electionStarted' }
  | { readonly type: 'becameLeader'; readonly token: string; readonly term: number }
  | { readonly type: 'renewed'; readonly token: string; readonly restored: boolean }
  | { readonly type: 'renewalFailed'; readonly error: Failure; readonly remainingMs: number }
  | {
      readonly type: 'lostLeadership';
      readonly cause: LossCause;
      readonly token: string;
      readonly term: number;
    }
  | { readonly type: 'leaderChanged'; readonly leader: string | null; readonly token: string | null }
  | { readonly type: 'newLeaderObserved'; readonly leader: string; readonly token: string }
  | { readonly type: 'vacancyObserved' }
  | { readonly type: 'waiting'; readonly reason: WaitReason; readonly forMs: number }
  | { readonly type: 'namesakeObserved'; readonly id: string; readonly name: string }
  | { readonly type: 'storeUnavailable'; readonly error: Failure }
  | { readonly type: 'storeRecovered' }
  | { readonly type: 'journalFailed'; readonly error: Failure; readonly policy: 'continue' | 'stop' };

/** Why a follower sits out although nobody may hold the lease. */
export type WaitReason = 'firstTerm' | 'dataLoss' | 'resigned' | 'journalFailed' | 'unanswered';

/** A lease this member won. */
export interface Term {
  readonly token: string;
  readonly number: number;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly beliefMs: number;
  /** Monotonic and wall time at which belief ends; whichever comes first. */
  readonly validUntil: number;
  readonly validUntilWall: number;
}

/** Somebody else's lease, as far as this member knows. */
export interface KnownLease {
  readonly holder: string;
  readonly token: string;
  readonly beat: number;
  readonly leaseMs: number;
  /** Since when, on this member's clock, this very renewal is known to stand. */
  readonly since: number;
  /** When asking the store makes sense. */
  readonly endsAt: number;
  /** How much of it an answer of the store has told, which hints do not: this renewal, its term, or nothing. */
  readonly told: 'beat' | 'token' | 'nothing';
}

/** What the leadership chart is started with. */
export interface LeadershipInput {
  readonly resource: string;
  readonly candidateId: string;
  readonly timings: LeadershipTimings;
  readonly onJournalFailure: 'continue' | 'stop';
  readonly paused: boolean;
}

/** What the leadership chart remembers. */
export interface LeadershipContext extends LeadershipInput {
  /** Number of the last request; also the beat of a renewal, hence never used twice. */
  readonly attempt: number;
  readonly term: Term | null;
  readonly known: KnownLease | null;
  /** Token of a lease that is known to have been released. */
  readonly vacant: string | null;
  /** Highest token that the store ever told of on this resource. */
  readonly seen: string;
  /** Longest lease that the store ever told of on this resource, or this member's own. */
  readonly longestMs: number;
  readonly loss: { readonly id: string; readonly since: number } | null;
  /** Failed requests in a row. */
  readonly failures: number;
  /** Length of the present wait as a follower, or until the next renewal as a leader. */
  readonly waitMs: number;
  readonly waitReason: WaitReason | null;
  /** The other live member of the same name last told of. */
  readonly namesake: string | null;
  /** The leader last told of. */
  readonly leader: string | null;
  /** Timings that count once nothing asked for with the present ones stands any more. */
  readonly nextTimings: LeadershipTimings | null;
  readonly stopping: boolean;
}

/** What the store is asked for; times are absolute so that the asker's clock is read when it is sent. */
export interface AcquireParams {
  readonly attempt: number;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly longestMs: number;
  readonly seen: string;
  readonly observed: {
    readonly holder: string;
    readonly token: string;
    readonly beat: number;
    readonly since: number;
    /** For how long the watch may count, in milliseconds; null for any time. */
    readonly atMostMs: number | null;
  } | null;
  readonly loss: { readonly id: string; readonly since: number } | null;
}

/** What `requestRenew` asks for. */
export interface RenewParams {
  readonly attempt: number;
  readonly token: string;
  readonly term: number;
  readonly leaseMs: number;
  readonly graceMs: number;
}
