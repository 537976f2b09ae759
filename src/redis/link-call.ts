import type { ConclaveError } from '../errors.ts';
import type { RedisArgument } from './client.ts';
import type { RedisScript } from './script.ts';

/** What `RedisLink` is asked, and what it answers. */

export interface ScriptCall {
  readonly script: RedisScript;
  /** All in one slot. A function is asked as that of `args` is, before it. */
  readonly keys: readonly string[] | (() => readonly string[]);
  /** A function is asked each time that it is about to be sent, over the connection that then stands. */
  readonly args: readonly RedisArgument[] | (() => readonly RedisArgument[]);
  /** False when nobody waits for this one any more: it does not leave with the others. */
  readonly isWanted?: () => boolean;
}

export interface ExchangeOptions {
  /** How long it may take until the request leaves, and until an answer is missed; milliseconds. */
  readonly patienceMs: number;
  /** False when nobody waits for the answer any more: it is not sent then. */
  readonly isWanted?: () => boolean;
  /** Told when it is about to be written. From here on its outcome may be unknown. */
  readonly onSent?: () => void;
  /** How many replicas are to have what was written, and how long they are waited for, in milliseconds. */
  readonly replicas?: { readonly count: number; readonly withinMs: number };
}

export type Outcome =
  /** `replicas`: how many had it in time; null if nobody asked. */
  { readonly reply: unknown; readonly replicas: number | null } | { readonly error: ConclaveError };

/** Where a call goes. */
export function keyOf({ keys }: ScriptCall): string {
  return (typeof keys === 'function' ? keys() : keys)[0] ?? '';
}
