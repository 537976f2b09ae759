/**
 * The vocabulary of the configuration-reload chart: facts in the past tense that the world reports, commands in the
 * imperative, and the facts the chart emits. Everything is plain JSON. Times are monotonic milliseconds. A
 * configuration is known here by the hash of its source bytes (`sha`) alone: neither content nor values enter, so no
 * secret does. `dependencies` is a keyed digest of what the bytes refer to (environment, secrets, files); null if
 * they refer to nothing, or if that is not known yet.
 */

/** Diagnostics kept and told of one rejection; the others are counted. */
export const DIAGNOSTICS_MAX = 100;
/** Rejected hashes remembered; the oldest is forgotten first. */
export const KNOWN_BAD_MAX = 50;
/** Changed keys kept and told of each class; the others are counted. */
export const CHANGED_KEYS_MAX = 100;

/** Every event tells when it was reported. */
interface Reported {
  readonly at: number;
}

/** A reply to the requests with this attempt number; the reply to any other attempt is ignored. */
interface Reply extends Reported {
  readonly attempt: number;
}

/** What went wrong, without a stack. */
export interface ReloadFailure {
  readonly code: string;
  readonly message: string;
}

/** Where an attempt is, or was when it failed. */
export type ReloadStage =
  | 'reading'
  | 'parsing'
  | 'checking'
  | 'preparing'
  | 'recording'
  | 'committing'
  | 'aborting'
  | 'rollingBack'
  | 'watching';

/** One problem, as precisely placed as its stage can tell. Messages show no value that may be secret. */
export interface Diagnostic {
  readonly stage: ReloadStage;
  readonly code: string;
  readonly message: string;
  readonly file: string | null;
  readonly line: number | null;
  readonly column: number | null;
  /** Path of the key, with dots. */
  readonly path: string | null;
}

/** Paths of changed keys: in force at once, in force after a restart, never to be changed while running. */
export interface ChangedKeys {
  readonly live: readonly string[];
  readonly restart: readonly string[];
  readonly immutable: readonly string[];
  /** How many more there are. */
  readonly omitted: number;
}

/** Timing of one member, in milliseconds; `config-reload.timings.ts` has the defaults. */
export interface ReloadTimings {
  /** How long the file must have been left alone before it is read. */
  readonly quietMs: number;
  /** It is read after this much at most, quiet or not. */
  readonly maxWaitMs: number;
  /** Deadlines of the stages. */
  readonly readMs: number;
  readonly parseMs: number;
  readonly checkMs: number;
  readonly prepareMs: number;
  readonly journalMs: number;
  readonly commitMs: number;
  readonly abortMs: number;
  readonly rollbackMs: number;
  /** How long an applied configuration is on probation; 0 for none. */
  readonly healthMs: number;
  /** First wait after a failure that may pass by itself; doubled up to `retryMaxMs`. */
  readonly retryMs: number;
  readonly retryMaxMs: number;
}

/** What to reload: a generation (null: the next one of this member's own) of a hash (null: whatever is there). */
export interface Target {
  readonly generation: number | null;
  readonly sha: string | null;
}

/** What the cluster's head wants this member to have. */
export interface Head {
  readonly term: number;
  readonly generation: number;
  readonly sha: string;
}

/** A configuration that was applied. */
export interface Revision {
  readonly generation: number;
  readonly sha: string;
  readonly dependencies: string | null;
}

/** The configuration in force, since which attempt, and whether it has come through its health watch. */
export interface AppliedRevision extends Revision {
  readonly attempt: number;
  readonly confirmed: boolean;
  /** Names of the handlers that committed it. */
  readonly handlers: readonly string[];
}

/** Bytes that were rejected before. Without dependencies the verdict holds whatever the environment says. */
export interface KnownBad {
  readonly sha: string;
  readonly dependencies: string | null;
  readonly stage: ReloadStage;
  /** The first diagnostic. */
  readonly problem: Diagnostic;
}

/** What set off a reload. */
export type ReloadTrigger = 'file' | 'dependencies' | 'head' | 'command' | 'retry' | 'lastGood';

/** A reload that was asked for and has not begun. */
export interface ReloadOrder {
  readonly trigger: ReloadTrigger;
  /** When the first and the last of the changes it answers were reported. */
  readonly since: number;
  readonly at: number;
  /** Begins at once instead of waiting for quiet. */
  readonly urgent: boolean;
  /** Tries bytes that are known to be bad. */
  readonly force: boolean;
  /** Exactly this; null: what the head wants, or what is there. */
  readonly target: Target | null;
}

/** One pass through the stages, or one return to an earlier configuration. */
export interface ReloadRun {
  readonly stage: ReloadStage;
  readonly order: ReloadOrder | null;
  readonly target: Target;
  readonly sha: string | null;
  readonly dependencies: string | null;
  readonly changed: ChangedKeys | null;
  /** Names of the handlers that this run may leave half done. */
  readonly handlers: readonly string[];
}

/** Why the last attempt did not succeed. */
export interface Rejection {
  readonly stage: ReloadStage;
  /** What was to be applied; null: not known. */
  readonly generation: number | null;
  readonly sha: string | null;
  readonly dependencies: string | null;
  readonly diagnostics: readonly Diagnostic[];
  readonly omitted: number;
  /** May pass by itself: not remembered, tried again after a while. */
  readonly transient: boolean;
  /** Refused from memory, without being tried again. */
  readonly known: boolean;
  readonly order: ReloadOrder | null;
}

/**
 * What is wrong with the member itself, until a configuration is applied in full. Whether a member is healthy is told
 * by this, not by the state: an unhealthy one goes on to try what is new.
 */
export interface Trouble extends ReloadFailure {
  /** Handlers that are neither on the configuration in force nor on the other. */
  readonly halfDone: readonly string[];
}

/** Wish to leave the configuration that this attempt applied. */
export interface Retreat {
  readonly cause: 'health' | 'command';
  readonly attempt: number;
  readonly error: ReloadFailure;
}

/** What the configuration-reload chart is started with. */
export interface ConfigReloadInput {
  readonly timings: ReloadTimings;
  readonly onJournalFailure: 'continue' | 'stop';
  /** Reload what the cluster's head wants, and nothing before there is one; else what is there. */
  readonly followsHead: boolean;
  /** Highest generation this member ever applied, 0 if none. */
  readonly generation: number;
  /** What an earlier process came through its health watch with. */
  readonly lastGood: Revision | null;
  /** Rejected before, killers of an earlier process included. */
  readonly knownBad: readonly KnownBad[];
}

/** What the configuration-reload chart remembers. */
export interface ConfigReloadContext extends ConfigReloadInput {
  /** Number of the last run; never used twice. */
  readonly attempt: number;
  readonly applied: AppliedRevision | null;
  /** Where a rollback leads: the last one in force before it that was confirmed, if any was. */
  readonly fallback: AppliedRevision | null;
  readonly desired: Head | null;
  readonly order: ReloadOrder | null;
  readonly run: ReloadRun | null;
  readonly rejection: Rejection | null;
  readonly trouble: Trouble | null;
  readonly retreat: Retreat | null;
  /** Failures in a row that may pass by themselves. */
  readonly failures: number;
  readonly stopping: boolean;
}

/** What a member is told to do with its configuration. */
export type ConfigReloadCommand =
  /** Reload now, without waiting for quiet. `force` tries bytes that are known to be bad. */
  | ({ readonly type: 'reload'; readonly force: boolean; readonly target: Target | null } & Reported)
  /** Return to the configuration before; ignored while there is none. */
  | ({ readonly type: 'rollback' } & Reported)
  /** From now on follow the cluster's head, or only what is here. */
  | ({ readonly type: 'follow'; readonly head: boolean } & Reported)
  | ({ readonly type: 'configure'; readonly timings: ReloadTimings } & Reported)
  | ({ readonly type: 'stop' } & Reported);

/** What happened to files, the shared head, or a stage of a reload. */
export type ConfigReloadFact =
  // What sets off a reload.
  | ({ readonly type: 'file.changed' } & Reported)
  /** The file is gone; reading decides, as with any change. */
  | ({ readonly type: 'file.missing' } & Reported)
  /** Something the applied or rejected bytes refer to may have changed. */
  | ({ readonly type: 'dependencies.changed' } & Reported)
  | ({ readonly type: 'head.changed' } & Head & Reported)
  /** The configuration applied by this attempt does harm. */
  | ({ readonly type: 'health.failed'; readonly error: ReloadFailure } & Reply)
  // Replies.
  | ({
      readonly type: 'content.read';
      readonly sha: string;
      readonly size: number;
      readonly where: string;
      readonly dependencies: string | null;
    } & Reply)
  | ({ readonly type: 'content.missing' } & Reply)
  | ({ readonly type: 'content.parsed'; readonly dependencies: string | null } & Reply)
  | ({ readonly type: 'content.checked'; readonly changed: ChangedKeys } & Reply)
  | ({ readonly type: 'handlers.prepared'; readonly handlers: readonly string[] } & Reply)
  | ({ readonly type: 'handlers.committed' } & Reply)
  | ({ readonly type: 'handlers.aborted' } & Reply)
  | ({ readonly type: 'handlers.rolledBack' } & Reply)
  | ({ readonly type: 'journal.committed' } & Reply)
  | ({ readonly type: 'journal.failed'; readonly error: ReloadFailure } & Reply)
  | ({
      readonly type: 'stage.failed';
      readonly stage: ReloadStage;
      readonly diagnostics: readonly Diagnostic[];
      readonly dependencies: string | null;
      readonly transient: boolean;
      readonly halfDone: readonly string[];
    } & Reply)
  /** The chart's own timer: the health watch of this attempt is over. */
  | { readonly type: 'watch.elapsed'; readonly attempt: number };

/** Everything the configuration-reload chart can be sent. */
export type ConfigReloadEvent = ConfigReloadCommand | ConfigReloadFact;

/**
 * What the chart tells whoever listens. Each attempt that is told to have started is later told to be exactly one of
 * applied, unchanged, rejected, superseded or waiting for its file.
 */
export type ConfigReloadEmitted =
  | { readonly type: 'reloadStarted'; readonly attempt: number; readonly trigger: ReloadTrigger }
  | {
      readonly type: 'applied';
      readonly attempt: number;
      readonly trigger: ReloadTrigger;
      readonly generation: number;
      readonly sha: string;
      readonly changed: ChangedKeys;
      readonly previous: string | null;
    }
  /** The bytes are those in force: nothing to do but to adopt the generation. */
  | {
      readonly type: 'unchanged';
      readonly attempt: number;
      readonly generation: number;
      readonly sha: string;
    }
  /** The head gave what is in force another generation. */
  | { readonly type: 'adopted'; readonly generation: number; readonly sha: string }
  /** Came through its health watch. */
  | { readonly type: 'confirmed'; readonly generation: number; readonly sha: string }
  | {
      readonly type: 'rejected';
      readonly attempt: number;
      readonly generation: number | null;
      readonly sha: string | null;
      readonly stage: ReloadStage;
      readonly diagnostics: readonly Diagnostic[];
      readonly omitted: number;
      readonly transient: boolean;
      readonly known: boolean;
    }
  /** A newer input ended this attempt. */
  | {
      readonly type: 'superseded';
      readonly attempt: number;
      readonly stage: ReloadStage;
      readonly sha: string | null;
    }
  | {
      readonly type: 'waitingForFile';
      readonly attempt: number;
      readonly generation: number | null;
      readonly sha: string | null;
      readonly found: string | null;
    }
  | {
      readonly type: 'rolledBack';
      readonly attempt: number;
      readonly cause: 'commit' | 'health' | 'command';
      /** What was left, and what is in force now. */
      readonly from: string | null;
      readonly generation: number | null;
      readonly sha: string | null;
    }
  | ({ readonly type: 'unhealthy' } & Trouble)
  | { readonly type: 'abortFailed'; readonly attempt: number; readonly error: ReloadFailure }
  | {
      readonly type: 'journalFailed';
      readonly error: ReloadFailure;
      readonly policy: 'continue' | 'stop';
    }
  /** The memory of rejected hashes is full: this one would be tried again. */
  | { readonly type: 'forgotten'; readonly sha: string };

/** What to read: bytes with this hash, or (null) whatever is there. */
export interface ReadParams {
  readonly attempt: number;
  readonly sha: string | null;
}

/** The attempt, and the hash of the bytes that were read for it. */
export interface StageParams {
  readonly attempt: number;
  readonly sha: string | null;
}

/** What `requestCommit` asks for. */
export interface CommitParams extends StageParams {
  readonly generation: number;
}

/** What to return to; null: to nothing, as before the first configuration. */
export interface RollbackParams {
  readonly attempt: number;
  readonly to: Revision | null;
  /** The handlers concerned. */
  readonly handlers: readonly string[];
}
