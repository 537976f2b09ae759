import { type Asked, bytes, infoField, infoNumber, type RedisFinding, unknown } from './doctor-findings.ts';
import type { RedisFacts } from './doctor-facts.ts';
import { isBelow, OLDEST_VERSION } from './link-facts.ts';

/** What becomes of the data: the product and its version, memory, eviction, persistence. */
export function dataFindings(facts: RedisFacts): RedisFinding[] {
  const { info } = facts;
  if ('refused' in info) {
    const why = 'Version, eviction, memory and replicas are told by INFO, and so is whether data were lost.';
    const cure = 'Give the user +info: ACL SETUSER <user> +info.';
    return [{ ...unknown('info', info.refused, why, cure), severity: 'danger' }];
  }
  return [
    version(info.answer),
    product(info.answer, facts.modules),
    incarnation(info.answer),
    eviction(info.answer),
    memory(info.answer),
    persistence(info.answer, facts.config),
  ];
}

function version(info: string): RedisFinding {
  const valkey = infoField(info, 'valkey_version');
  const redis = infoField(info, 'redis_version');
  const seen = valkey === null ? `Redis ${redis ?? 'of an untold version'}` : `Valkey ${valkey}`;
  const numbers = (redis ?? '').split('.').map(Number);
  const oldest = OLDEST_VERSION.join('.');
  const base = { check: 'version', seen };
  if (redis === null)
    return {
      ...base,
      severity: 'unknown',
      why: `Leases need ${oldest} or later.`,
      cure: `Make sure that it is ${oldest} or later.`,
    };
  if (isBelow(numbers, OLDEST_VERSION))
    return {
      ...base,
      severity: 'danger',
      why: `Leases are not tried on anything older than ${oldest}.`,
      cure: `Upgrade to ${oldest} or later, best to 7 or later.`,
    };
  if (isBelow(numbers, [7]))
    return {
      ...base,
      severity: 'warning',
      why: 'Before version 7 a script cannot be let through when memory is full: the leader cannot renew then, and its term ends.',
      cure: 'Upgrade to 7 or later, or keep memory well below maxmemory.',
    };
  return { ...base, severity: 'ok', why: 'A leader goes on renewing even when memory is full.', cure: null };
}

/** Products that speak the protocol but do not keep what leases rest on, or have not been tried. */
function product(info: string, modules: Asked<readonly string[]>): RedisFinding {
  const loaded = 'answer' in modules ? modules.answer : [];
  const base = { check: 'product', cure: null };
  const merges =
    loaded.some((name) => /crdt/i.test(name)) ||
    /^(crdt_|crdb)/m.test(info) ||
    infoField(info, 'role') === 'active-replica' ||
    infoNumber(info, 'active-replica') === 1;
  if (merges)
    return {
      ...base,
      severity: 'danger',
      seen: 'an active-active database: several primaries that merge their writes later',
      why: 'Two members may be granted the same lease by two of the primaries at the same time.',
      cure: 'Use a database with one primary for leases.',
    };
  const other = /^(dragonfly_version|mvcc_depth|kvrocks_version|tendis_version):/m.exec(info)?.[1];
  if (other !== undefined)
    return {
      ...base,
      severity: 'warning',
      seen: `a server that is compatible with Redis (${other})`,
      why: 'Leases were never tried on it.',
      cure: 'Try failovers and restarts under load before you rely on it, or use Redis or Valkey.',
    };
  return {
    ...base,
    severity: 'ok',
    seen: 'one primary takes all writes',
    why: 'One script decides who leads.',
  };
}

function incarnation(info: string): RedisFinding {
  const tells = infoField(info, 'run_id') !== null && infoField(info, 'master_replid') !== null;
  return tells
    ? {
        check: 'data-loss',
        severity: 'ok',
        seen: 'the server tells which data set it holds (run_id, master_replid)',
        why: 'A restart or failover is noticed, and nothing granted until what may have been lost has ended.',
        cure: null,
      }
    : {
        check: 'data-loss',
        severity: 'warning',
        seen: 'the server does not tell which data set it holds (run_id, master_replid)',
        why: 'After each new connection a member takes the data for lost, and whoever does not lead waits for a lease.',
        cure: 'Use a server that tells, and give all members +info or none; or a longer lease for fewer waits.',
      };
}

function eviction(info: string): RedisFinding {
  const policy = infoField(info, 'maxmemory_policy');
  const limit = infoNumber(info, 'maxmemory');
  const seen = `maxmemory-policy ${policy ?? 'not told'}, maxmemory ${limit === null ? 'not told' : limit === 0 ? 'without a limit' : bytes(limit)}`;
  const base = { check: 'eviction', seen };
  const cure =
    'CONFIG SET maxmemory-policy noeviction (and the same in redis.conf), or a server of its own for leases.';
  if (policy === 'noeviction')
    return { ...base, severity: 'ok', why: 'No key is ever given up to make room.', cure: null };
  const why =
    'Records of leases have a time to live and may be evicted: whoever leads then steps down, and nobody is granted the lease until it would have ended.';
  if (policy === null) return { ...base, severity: 'unknown', why, cure };
  if (limit === 0)
    return {
      ...base,
      severity: 'warning',
      why: `Nothing is evicted without a limit. Once there is one: ${why}`,
      cure,
    };
  return { ...base, severity: 'danger', why, cure };
}

/** Where memory is nearly full, those who may write are nearly refused. */
const MEMORY_NEARLY_FULL = 0.9;

function memory(info: string): RedisFinding {
  const used = infoNumber(info, 'used_memory');
  const limit = infoNumber(info, 'maxmemory');
  const isFull = used !== null && limit !== null && limit > 0 && used / limit > MEMORY_NEARLY_FULL;
  const seen =
    used === null
      ? 'memory in use is not told'
      : limit === null || limit === 0
        ? `${bytes(used)} in use, no limit`
        : `${bytes(used)} of ${bytes(limit)} in use (${Math.round((used / limit) * 100)} %)`;
  return {
    check: 'memory',
    severity: used === null ? 'unknown' : isFull ? 'warning' : 'ok',
    seen,
    why: 'When memory is full nobody new is granted a lease; from version 7 on the leader goes on renewing.',
    cure: isFull ? 'Raise maxmemory, or remove keys.' : null,
  };
}

function persistence(info: string, config: RedisFacts['config']): RedisFinding {
  const log = infoField(info, 'aof_enabled') === '1';
  const values = 'answer' in config ? config.answer : {};
  const save = values['save'];
  const fsync = values['appendfsync'];
  const seen = log
    ? `append-only file${fsync === undefined ? '' : `, appendfsync ${fsync}`}`
    : save === undefined
      ? 'no append-only file; snapshots could not be asked for (CONFIG is not allowed)'
      : save === ''
        ? 'neither append-only file nor snapshots'
        : `snapshots (save ${save}), no append-only file`;
  return {
    check: 'persistence',
    severity: log ? 'ok' : 'note',
    seen,
    why: 'Lost data never make two leaders, whatever is kept: after a restart of the server the one who leads goes on, and nobody else is granted the lease for as long as one.',
    cure: log
      ? null
      : 'To keep terms and tokens over restarts: CONFIG SET appendonly yes (and the same in redis.conf).',
  };
}
