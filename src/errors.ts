import type { Diagnostic } from '../machines/index.ts';

/**
 * Every error Conclave throws, in one table: code → what it means and what to do. One class for each *reaction*
 * a caller can have, so that `catch` blocks branch on classes and logs and docs on codes.
 */
export const ERRORS = {
  SETTINGS_INVALID: {
    reaction: 'fix-settings',
    cure: 'Change the named setting to a value the message allows.',
  },
  UNKNOWN_OPTION: {
    reaction: 'fix-settings',
    cure: 'Remove or rename the option; the message names the nearest one.',
  },
  TIMING_UNSAFE: {
    reaction: 'fix-settings',
    cure: 'Lengthen the lease or shorten the renewal interval as the message suggests.',
  },
  DIRECTORY_UNWRITABLE: {
    reaction: 'fix-settings',
    cure: 'Give the process write permission or another path.',
  },
  STORE_ON_NETWORK_FS: {
    reaction: 'fix-settings',
    cure: 'Put the embedded store on a local disk, or use Redis for members on several hosts.',
  },
  REDIS_SETTINGS_INVALID: {
    reaction: 'fix-settings',
    cure: 'Correct the Redis settings where the message says; a connection string has its forms in docs/redis.md.',
  },
  REDIS_CLIENT_MISSING: {
    reaction: 'fix-settings',
    cure: 'Install the client library beside Conclave: npm install ioredis.',
  },
  STORE_NOT_A_DATABASE: {
    reaction: 'fix-settings',
    cure: 'Point the store at a new path; the file there was left untouched.',
  },
  STORE_KEY_FOREIGN: {
    reaction: 'fix-settings',
    cure: 'Give Conclave a key prefix of its own, or remove the key if nothing uses it; it was left untouched.',
  },
  STORE_PROTOCOL_OTHER: {
    reaction: 'fix-settings',
    cure: 'Run one version of Conclave for a resource, or stop all its members and delete its record.',
  },
  STORE_SERVER_OLD: {
    reaction: 'fix-settings',
    cure: 'Use the server version that the message names, or a later one.',
  },
  STORE_NOT_REPLICATED: {
    reaction: 'retry',
    cure: 'Look at the replicas: what too few of them confirm in time does not count, and is tried again.',
  },
  STORE_UNAVAILABLE: {
    reaction: 'retry',
    cure: 'Nothing to do for a short outage: the member keeps trying.',
  },
  STORE_TIMEOUT: { reaction: 'retry', cure: 'The outcome is unknown; the next attempt finds out.' },
  STORE_CLOSED: { reaction: 'fix-code', cure: 'Do not use a store after closing it.' },
  LEASE_LOST: { reaction: 'stop-work', cure: 'Stop what needs leadership; another member may lead now.' },
  NOT_LEADER: { reaction: 'stop-work', cure: 'Wait for the next term before doing this.' },
  ELECTION_STOPPED: {
    reaction: 'fix-code',
    cure: 'Create a new election; a stopped one does not start again.',
  },
  ELECTION_NOT_STARTED: { reaction: 'fix-code', cure: 'Call start() first.' },
  EVENT_RESERVED: { reaction: 'fix-code', cure: 'Events that begin with "xstate." belong to the runtime.' },
  EVENT_NOT_SERIALIZABLE: {
    reaction: 'fix-code',
    cure: 'Put only JSON values into events, context and effects.',
  },
  DELAY_INVALID: { reaction: 'fix-code', cure: 'Delays must be finite numbers of milliseconds, 0 or more.' },
  IMPURE_TRANSITION: {
    reaction: 'fix-code',
    cure: 'Read time and randomness from events, never inside guards, actions or delays; never mutate context.',
  },
  JOURNAL_IN_USE: {
    reaction: 'fix-settings',
    cure: 'Let one process write a stream; give each its own name.',
  },
  JOURNAL_CONFLICT: {
    reaction: 'fix-settings',
    cure: 'Another writer went on in this stream; this one must stop.',
  },
  JOURNAL_FAILED: {
    reaction: 'retry',
    cure: 'Look at the disk; records stay in memory until it works again.',
  },
  JOURNAL_CLOSED: { reaction: 'fix-code', cure: 'Do not write to a journal after closing it.' },
  JOURNAL_CORRUPT: {
    reaction: 'inspect-journal',
    cure: 'Restore the file from a copy; `conclave journal show` reads what precedes the damage.',
  },
  JOURNAL_TRUNCATED: { reaction: 'inspect-journal', cure: 'Copy the file again; the end of it is missing.' },
  JOURNAL_FORMAT_NEWER: {
    reaction: 'fix-settings',
    cure: 'Read it with the version that wrote it, or a later one.',
  },
  JOURNAL_NOT_FOUND: {
    reaction: 'fix-settings',
    cure: 'Check the path and the stream name; the message lists those there are.',
  },
  JOURNAL_UNRECOGNIZED: {
    reaction: 'fix-settings',
    cure: 'Name a journal.db or a .jsonl file that Conclave wrote, or a new path; the file was left untouched.',
  },
  REPLAY_DIVERGED: {
    reaction: 'inspect-journal',
    cure: 'Compare recorded and replayed; use the version of the chart that wrote the journal.',
  },
  REPLAY_INCOMPATIBLE: {
    reaction: 'inspect-journal',
    cure: 'This chart cannot have written the journal; replay it with the one named in its records.',
  },
  CONFIG_INVALID: {
    reaction: 'fix-configuration',
    cure: 'Correct the place each diagnostic names; what was in force before stays in force.',
  },
  CONFIG_NOT_READY: {
    reaction: 'fix-code',
    cure: 'Await start() before reading `current`.',
  },
  CONFIG_NOT_FOUND: {
    reaction: 'fix-configuration',
    cure: 'Ask for a generation that the history still holds.',
  },
  CONFIG_CONFLICT: {
    reaction: 'retry',
    cure: 'Look at what others changed, then try again.',
  },
  CONFIG_READ_ONLY: {
    reaction: 'fix-settings',
    cure: "Change the files themselves, or share the configuration in a store with mode 'store'.",
  },
  CONFIG_STOPPED: {
    reaction: 'fix-code',
    cure: 'Create a new reload; a stopped one does not start again.',
  },
  CONFIG_STATE_IN_USE: {
    reaction: 'fix-settings',
    cure: 'Give each member a stateDir of its own.',
  },
  COMMAND_NOT_FOUND: { reaction: 'fix-settings', cure: 'Check the command after `--`.' },
  MEMBER_UNREACHABLE: {
    reaction: 'retry',
    cure: 'Check that the member runs and that the path or address is its own.',
  },
} as const satisfies Record<string, { readonly reaction: Reaction; readonly cure: string }>;

/** What a caller can do about an error. */
export type Reaction =
  'fix-settings' | 'fix-code' | 'fix-configuration' | 'retry' | 'stop-work' | 'inspect-journal';

/** The stable name of an error, for logs and for code that tells errors of one class apart. */
export type ErrorCode = keyof typeof ERRORS;

/** What every error of this library takes besides its message. */
export interface ErrorDetails {
  readonly cause?: unknown;
}

/** The base of all of them: `code` is stable, `message` says what happened, with which values, and what to do. */
export class ConclaveError extends Error {
  readonly code: ErrorCode;
  constructor(code: ErrorCode, message: string, details: ErrorDetails = {}) {
    super(message, 'cause' in details ? { cause: details.cause } : undefined);
    this.code = code;
    this.name = new.target.name;
  }
  /** What there is to do about it, in one sentence. */
  get cure(): string {
    return ERRORS[this.code].cure;
  }
}

/** Reaction: change a setting, a flag or a path, then start again. */
export class SettingsError extends ConclaveError {}

/** Reaction: change the calling code. */
export class UsageError extends ConclaveError {}

/** Reaction: wait and try again. `outcomeUnknown` tells that the store may have executed the request. */
export class StoreUnavailableError extends ConclaveError {
  readonly outcomeUnknown: boolean;
  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails & { readonly outcomeUnknown: boolean },
  ) {
    super(code, message, details);
    this.outcomeUnknown = details.outcomeUnknown;
  }
}

/** Reaction: stop the work that needs leadership. It is the reason of an ended term's signal. */
export class LeadershipError extends ConclaveError {}

/** Reaction: correct the configuration. `diagnostics` say where and what, without showing a secret. */
export class ConfigError extends ConclaveError {
  readonly diagnostics: readonly Diagnostic[];
  constructor(
    code: ErrorCode,
    message: string,
    details: ErrorDetails & { readonly diagnostics?: readonly Diagnostic[] } = {},
  ) {
    super(code, message, details);
    this.diagnostics = details.diagnostics ?? [];
  }
}

/** Reaction: look at the journal. `place` says where: file, line or offset, stream and sequence. */
export class JournalError extends ConclaveError {
  readonly place: string | null;
  constructor(code: ErrorCode, message: string, details: ErrorDetails & { readonly place?: string } = {}) {
    super(code, message, details);
    this.place = details.place ?? null;
  }
}
