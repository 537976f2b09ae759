import { LeadershipError } from '../errors.ts';

/**
 * Fencing for data in Redis: a script that compares tokens and changes the data in one step. The highest token lives
 * in a key of its own beside the data, so that it is lost, replicated and failed over with what it protects.
 */

/** What of a Redis client is needed; ioredis, also with a cluster, has it. */
export interface ScriptClient {
  eval(script: string, numberOfKeys: number, ...args: (string | number)[]): Promise<unknown>;
}

/** A script, and the fence it is put under. */
export interface FencedCall {
  /** Key of the highest token, in the same slot as `keys`: `{invoices}:fence`. Give it no time to live. */
  readonly fence: string;
  /** The term's token. */
  readonly token: bigint;
  /** Lua. `KEYS` and `ARGV` are the ones given here; what it returns is the result. */
  readonly script: string;
  readonly keys?: readonly string[];
  readonly args?: readonly (string | number)[];
}

/**
 * Decimal strings compare by length, then digit by digit: a number in Lua would lose digits above 2^53. The fence
 * is raised first: a body that fails half-way has changed data all the same.
 */
const guard = `local token, highest = ARGV[1], redis.call('GET', KEYS[1]) or '0'
if #token < #highest or (#token == #highest and token < highest) then return {0, highest} end
redis.call('SET', KEYS[1], token)
local keys, argv = {unpack(KEYS, 2)}, {unpack(ARGV, 2)}`;

/**
 * Puts a script under the guard of a fence: first key the fence, first argument the token; the reply is
 * `{0, highest}` if a later token was here, else `{1, result}`. For `SCRIPT LOAD` and `defineCommand`; otherwise
 * `runFenced` is simpler.
 *
 * @example
 * client.defineCommand('setFenced', { numberOfKeys: 2, lua: fencedScript("return redis.call('SET', KEYS[1], ARGV[1])") });
 */
export function fencedScript(script: string): string {
  return `${guard}
return {1, (function(KEYS, ARGV)
${script}
end)(keys, argv)}`;
}

/**
 * Runs a script on Redis unless a later leader was there; returns what the script returns (null for nothing).
 *
 * @throws LeadershipError `LEASE_LOST` if a larger token was here; nothing was changed
 * @example
 * await runFenced(client, {
 *   fence: '{invoices}:fence',
 *   token: term.token,
 *   script: "return redis.call('SET', KEYS[1], ARGV[1])",
 *   keys: ['{invoices}:last'],
 *   args: ['2026-11-21'],
 * });
 */
export async function runFenced(client: ScriptClient, call: FencedCall): Promise<unknown> {
  const { fence, token, script, keys = [], args = [] } = call;
  const reply = await client.eval(
    fencedScript(script),
    keys.length + 1,
    fence,
    ...keys,
    String(token),
    ...args,
  );
  const [admitted, result] = reply as [number, unknown];
  if (admitted === 1) return result ?? null;
  throw new LeadershipError(
    'LEASE_LOST',
    `Nothing was changed: token ${token} is of an earlier term, ${String(result)} was at ${fence}.`,
  );
}
