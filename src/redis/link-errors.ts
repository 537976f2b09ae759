import { ConclaveError, StoreUnavailableError } from '../errors.ts';

const PERMISSIONS = 'Give its user the commands, keys and channels that docs/redis.md lists.';

/** What a server's refusal means and what to do about it, by the word it begins with. */
const REFUSALS: Readonly<Record<string, string>> = {
  NOAUTH: 'Give the password of the server in the connection string.',
  WRONGPASS: 'Check user name and password.',
  NOPERM: PERMISSIONS,
  READONLY:
    'This is a replica: connect by Sentinel or Cluster, which lead to the primary, or name the primary.',
  LOADING: 'It reads its data from disk and answers when it has.',
  BUSY: 'A script runs there and lets nobody else: it ends by itself, or by SCRIPT KILL.',
  OOM: 'Its memory is full: raise maxmemory or remove keys. Who leads goes on renewing; nobody new is granted a lease.',
  CLUSTERDOWN: 'The cluster takes no writes while slots have no owner; it answers when it has found one.',
  NOREPLICAS:
    'It has fewer replicas than min-replicas-to-write asks for, and takes no writes until they are back.',
  MASTERDOWN: 'This is a replica that has lost its primary: connect by Sentinel or Cluster.',
  TRYAGAIN: 'The slot of this key is on its way to another node.',
  MOVED: 'This server is part of a cluster: connect with redis+cluster://.',
  ASK: 'This server is part of a cluster: connect with redis+cluster://.',
  CROSSSLOT: 'The keys of one lease must be in one slot: check the braces in the key prefix.',
  MISCONF: 'It cannot save its data and therefore takes no writes: look at its disk.',
};

/** Beginnings of what servers say without a word of its own, and what the client says itself. */
const SAYINGS: readonly {
  readonly says: RegExp;
  readonly cure: string;
  readonly executed: 'no' | 'unknown';
}[] = [
  {
    // Version 7.0, from within a script.
    says: /user executing the script can't/,
    cure: PERMISSIONS,
    executed: 'unknown',
  },
  {
    says: /isn't writeable|enableOfflineQueue|Cluster isn't ready/,
    cure: 'There is no connection at present; it is tried again.',
    executed: 'no',
  },
  {
    says: /max number of clients/,
    cure: 'Raise maxclients, or close what keeps connections open.',
    executed: 'no',
  },
  {
    says: /unknown command/i,
    cure: 'Leases need EVAL, EVALSHA and what docs/redis.md lists; the server has no such command, or another name for it.',
    executed: 'no',
  },
  {
    says: /Command timed out/,
    cure: 'The request may have been executed all the same; the next attempt finds out.',
    executed: 'unknown',
  },
];

/** How a script that began and then failed is told: with the place in it. It may have written before. */
const MIDWAY = /script: [0-9a-f]{40}|user_script:\d+|f_[0-9a-f]{40}/;

/**
 * What a failed exchange comes to.
 *
 * @param sent whether the request had been written to a connection
 */
export function unavailable(error: unknown, location: string, sent: boolean): ConclaveError {
  if (error instanceof ConclaveError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const [word = ''] = said.split(' ', 1);
  const known = REFUSALS[word];
  if (known !== undefined) {
    const outcomeUnknown = MIDWAY.test(said);
    return failure(`Redis at ${location} refused the request (${said}). ${known}`, error, outcomeUnknown);
  }
  const saying = SAYINGS.find(({ says }) => says.test(said));
  if (saying?.executed === 'no')
    return failure(`Redis at ${location} could not be asked (${said}). ${saying.cure}`, error, false);
  const message = `Redis at ${location} gave no answer (${said}).`;
  const cure = saying?.cure ?? 'It is tried again; look at the server and the network if it goes on.';
  const code = /timed out/.test(said) ? 'STORE_TIMEOUT' : 'STORE_UNAVAILABLE';
  return new StoreUnavailableError(code, `${message} ${cure}`, { cause: bare(error), outcomeUnknown: sent });
}

function failure(message: string, cause: unknown, outcomeUnknown: boolean): StoreUnavailableError {
  return new StoreUnavailableError('STORE_UNAVAILABLE', message, { cause: bare(cause), outcomeUnknown });
}

/**
 * What a client said, without what ioredis attaches to it: the command that failed, with its arguments, which for AUTH
 * are the password.
 */
export function bare(error: unknown): unknown {
  if (!(error instanceof Error)) return error;
  const { name, code } = error as Error & { readonly code?: unknown };
  const copy = new Error(error.message);
  return Object.assign(copy, { name }, typeof code === 'string' && { code });
}

/** The caller has given up, or waited longer than it may. */
export function givenUp(when: string, location: string, outcomeUnknown: boolean, cause: unknown) {
  const message = `A call to Redis at ${location} was given up ${when}.`;
  return new StoreUnavailableError('STORE_TIMEOUT', message, { cause, outcomeUnknown });
}

/** A refusal by which the script was certainly not begun. */
export const isNoScript = (error: Error): boolean => error.message.startsWith('NOSCRIPT');

/** A server before Redis 7, which takes the line with the flags for Lua. */
export const isFlagUnknown = (error: Error): boolean => /unexpected symbol near '#'/.test(error.message);

/** Where another node has the slot: `MOVED 3999 127.0.0.1:6381`, `ASK …`. */
export function redirection(error: Error): { readonly asking: boolean; readonly address: string } | null {
  const match = /^(MOVED|ASK) \d+ (\S+)/.exec(error.message);
  return match ? { asking: match[1] === 'ASK', address: match[2] ?? '' } : null;
}

export const isTryAgain = (error: Error): boolean => error.message.startsWith('TRYAGAIN');
