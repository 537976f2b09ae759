import { redisScript } from '../redis/script.ts';
import { AUDIT_MAX } from './head-store.ts';

/** What Redis does for the head. Texts are opaque to it: it compares, replaces, keeps and tells. */

/** What is published when the head has moved. */
export const MOVED = 'moved';

/** Keys: head, history, contents, audit. Arguments: before, head, history, audit line, channel, sha, text, dropped… */
export const SWAP = redisScript(
  'head-swap',
  [],
  [
    `if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
  redis.call('SET', KEYS[1], ARGV[2])
  redis.call('SET', KEYS[2], ARGV[3])
  for i = 8, #ARGV do redis.call('HDEL', KEYS[3], ARGV[i]) end
  if ARGV[6] ~= '' then redis.call('HSET', KEYS[3], ARGV[6], ARGV[7]) end
  redis.call('LPUSH', KEYS[4], ARGV[4])
  redis.call('LTRIM', KEYS[4], 0, ${AUDIT_MAX - 1})
  redis.call('PUBLISH', ARGV[5], '${MOVED}')
  return 1`,
  ],
);

/** Argument: channel. The key names the hash slot, and nothing is kept there. */
export const CALL = redisScript(
  'head-call',
  [],
  [
    `redis.call('PUBLISH', ARGV[1], 'called')
  return 1`,
  ],
);

/** Key: head, or history. */
export const GET = redisScript('head-get', ['no-writes'], [`return redis.call('GET', KEYS[1])`]);

/** Key: contents. Argument: sha. */
export const CONTENT = redisScript(
  'head-content',
  ['no-writes'],
  [`return redis.call('HGET', KEYS[1], ARGV[1])`],
);

/** Key: contents. Arguments: sha, text. */
export const KEEP = redisScript('head-keep', [], [`return redis.call('HSETNX', KEYS[1], ARGV[1], ARGV[2])`]);

const NOW = `local time = redis.call('TIME')
  local now = time[1] * 1000 + math.floor(time[2] / 1000)`;

/** Key: reports, each with the time until which it holds before it. Arguments: member, text, milliseconds. */
export const REPORT = redisScript(
  'head-report',
  [],
  [
    `${NOW}
  local all = redis.call('HGETALL', KEYS[1])
  for i = 1, #all, 2 do
    if tonumber(all[i + 1]:match('^%d+')) <= now then redis.call('HDEL', KEYS[1], all[i]) end
  end
  redis.call('HSET', KEYS[1], ARGV[1], string.format('%.0f', now + tonumber(ARGV[3])) .. ' ' .. ARGV[2])
  return 1`,
  ],
);

/** Key: reports. */
export const REPORTS = redisScript(
  'head-reports',
  ['no-writes'],
  [
    `${NOW}
  local held = {}
  for _, value in ipairs(redis.call('HVALS', KEYS[1])) do
    local until_ms, text = value:match('^(%d+) (.*)$')
    if until_ms and tonumber(until_ms) > now then held[#held + 1] = text end
  end
  return held`,
  ],
);

/** Key: audit. */
export const AUDIT = redisScript(
  'head-audit',
  ['no-writes'],
  [`return redis.call('LRANGE', KEYS[1], 0, -1)`],
);
