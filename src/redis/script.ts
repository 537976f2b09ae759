import { createHash } from 'node:crypto';

/** A Lua script, in the form that servers from Redis 7 on take, and the one for those before. */
export interface RedisScript {
  readonly name: string;
  readonly flagged: ScriptText;
  /** Without flags: older servers do not read them, so that a script that may write is refused when memory is full. */
  readonly plain: ScriptText;
}

export interface ScriptText {
  readonly text: string;
  /** What EVALSHA calls it by. */
  readonly sha: string;
}

/**
 * Puts a script together from its parts.
 *
 * @param flags what the server must know before it runs it: `allow-oom`, `no-writes`
 * @example
 * const get = redisScript('get', [], [`return redis.call('GET', KEYS[1])`]);
 */
export function redisScript(
  name: string,
  flags: readonly ('allow-oom' | 'no-writes')[],
  parts: readonly string[],
): RedisScript {
  const plain = parts.join('\n');
  const first = flags.length === 0 ? '#!lua' : `#!lua flags=${flags.join(',')}`;
  return { name, flagged: scriptText(`${first}\n${plain}`), plain: scriptText(plain) };
}

function scriptText(text: string): ScriptText {
  return { text, sha: createHash('sha1').update(text).digest('hex') };
}
