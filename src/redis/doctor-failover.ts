import {
  type Asked,
  infoField,
  infoNumber,
  milliseconds,
  type RedisFinding,
  unknown,
} from './doctor-findings.ts';
import type { RedisFacts } from './doctor-facts.ts';

/** What a failover would do: replicas, who decides, and how fast against how long writes are still taken. */
export function failoverFindings(facts: RedisFacts): RedisFinding[] {
  const { info } = facts;
  if ('refused' in info) return [];
  return [role(info.answer, facts), ...sentinels(facts), ...cluster(facts), replication(info.answer, facts)];
}

function role(info: string, { settings }: RedisFacts): RedisFinding {
  const isReplica = infoField(info, 'role') === 'slave';
  const primary = `${infoField(info, 'master_host')}:${infoField(info, 'master_port')}`;
  return isReplica
    ? {
        check: 'role',
        severity: 'danger',
        seen: `this is a read-only replica of ${primary}`,
        why: 'Leases cannot be written here: nobody will lead.',
        cure: `Connect to ${primary}, or name all servers, the Sentinels or the cluster.`,
      }
    : {
        check: 'role',
        severity: 'ok',
        seen: `this is a primary, found by ${FOUND_BY[settings.topology.kind]}`,
        why: 'It takes writes.',
        cure: null,
      };
}

const FOUND_BY = {
  standalone: 'its address',
  socket: 'its socket',
  sentinel: 'the Sentinels',
  cluster: 'the cluster',
  probe: 'asking all endpoints',
} as const;

/** Replicas that are connected, with how many seconds ago each was heard of. */
function replicasOf(
  info: string,
): { readonly address: string; readonly online: boolean; readonly lagSeconds: number }[] {
  return [...info.matchAll(/^slave\d+:(.*?)\r?$/gm)].map(([, line = '']) => {
    const fields = Object.fromEntries(line.split(',').map((each) => each.split('=') as [string, string]));
    const { ip = '?', port = '?', state = '', lag = '0' } = fields;
    return { address: `${ip}:${port}`, online: state === 'online', lagSeconds: Number(lag) };
  });
}

/** How soon another server may be promoted after the primary fell silent, in milliseconds; null if nobody told. */
function promotionMs({ sentinel, config, settings }: RedisFacts): number | null {
  if (sentinel !== null)
    return 'answer' in sentinel ? Number(sentinel.answer['down-after-milliseconds']) || null : null;
  const isCluster = settings.topology.kind === 'cluster';
  return isCluster && 'answer' in config ? Number(config.answer['cluster-node-timeout']) || null : null;
}

const NO_LIMITS =
  'A failover loses what was not replicated yet, and the old primary takes writes until it learns of it: two members may lead for a while (promises 1 and 4).';
const limitsCure = (all: number): string =>
  `waitReplicas: ${all} for the store, as many as there are replicas; or CONFIG SET min-replicas-to-write ${all} and min-replicas-max-lag below the time after which a replica is promoted, on every server.`;

/**
 * Why fewer than all replicas are not enough. One that is never promoted (replica-priority 0) counts as well: its
 * confirmation stands in for that of one that is.
 */
const tooFew = (least: number, all: number): string =>
  `${least} of ${all} replicas are enough, so that another may be promoted while the old primary and those go on: two members may lead for as long as that lasts (promises 1 and 4).`;

/** All replicas there are, away or not: the Sentinels know those that are not connected. */
function allReplicas(connected: number, { sentinel }: RedisFacts): number {
  const known = sentinel !== null && 'answer' in sentinel ? Number(sentinel.answer['num-slaves'] ?? 0) : 0;
  return Math.max(connected, known || 0);
}

function replication(info: string, facts: RedisFacts): RedisFinding {
  const { plan, settings, config } = facts;
  const replicas = replicasOf(info);
  const online = replicas.filter((replica) => replica.online);
  const list = replicas.map(
    ({ address, online: on, lagSeconds }) => `${address} ${on ? `${lagSeconds} s ago` : 'not in step'}`,
  );
  const seen =
    replicas.length === 0
      ? 'no replica'
      : `${online.length} of ${replicas.length} replicas in step (${list.join(', ')})`;
  const mayFailOver =
    replicas.length > 0 || ['sentinel', 'cluster', 'probe'].includes(settings.topology.kind);
  const base = { check: 'failover', seen };
  if (plan.waitReplicas > online.length)
    return {
      ...base,
      severity: 'danger',
      why: `Each grant and renewal waits for ${plan.waitReplicas} replicas, and so many are not there: nobody will lead.`,
      cure: 'Bring the replicas back, or wait for fewer.',
    };
  const all = allReplicas(replicas.length, facts);
  if (plan.waitReplicas > 0 && plan.waitReplicas < all)
    return {
      ...base,
      severity: 'danger',
      why: tooFew(plan.waitReplicas, all),
      cure: `waitReplicas: ${all}. Nobody leads then while one of them is away; keep as few replicas as you need.`,
    };
  if (plan.waitReplicas > 0)
    return {
      ...base,
      severity: 'ok',
      why: `Each grant and renewal waits for ${plan.waitReplicas}, which is all of them, so that a failover neither loses a term nor lets an old one go on.`,
      cure: null,
    };
  if (!mayFailOver)
    return {
      ...base,
      severity: 'note',
      why: 'There is nothing to fail over to: while this server is away nobody is granted a lease, and whoever leads stops in time.',
      cure: 'For leaders that survive the loss of this server: replicas with Sentinel or Cluster, and waitReplicas at their number.',
    };
  return minReplicas(base, config, facts, Math.max(1, all));
}

/** Whether servers that are cut off stop taking writes before another is promoted. */
function minReplicas(
  { check, seen }: { readonly check: string; readonly seen: string },
  config: Asked<Readonly<Record<string, string>>>,
  facts: RedisFacts,
  replicas: number,
): RedisFinding {
  if ('refused' in config)
    return {
      ...unknown(check, `min-replicas-to-write (${config.refused})`, NO_LIMITS, limitsCure(replicas)),
      seen: `${seen}; min-replicas-to-write could not be asked: ${config.refused}`,
    };
  const least = Number(config.answer['min-replicas-to-write'] ?? config.answer['min-slaves-to-write'] ?? 0);
  const lagSeconds = Number(
    config.answer['min-replicas-max-lag'] ?? config.answer['min-slaves-max-lag'] ?? 0,
  );
  const all = `${seen}; min-replicas-to-write ${least}, min-replicas-max-lag ${lagSeconds} s`;
  if (least === 0)
    return { check, severity: 'danger', seen: all, why: NO_LIMITS, cure: limitsCure(replicas) };
  if (least < replicas)
    return { check, severity: 'danger', seen: all, why: tooFew(least, replicas), cure: limitsCure(replicas) };
  const promotion = promotionMs(facts);
  if (promotion === null)
    return {
      check,
      severity: 'unknown',
      seen: `${all}; after how long a replica is promoted was not told`,
      why: 'An old primary must stop taking writes before another is promoted.',
      cure: `Make sure that a replica is promoted ${lagSeconds + 1} s after its primary fell silent at the earliest, or use waitReplicas: ${replicas}.`,
    };
  // A replica that has just answered counts for its lag, and the primary looks once a second.
  const stopsMs = (lagSeconds + 1) * 1000;
  const inTime = stopsMs <= promotion;
  return {
    check,
    severity: inTime ? 'ok' : 'danger',
    seen: `${all}; a replica is promoted after ${milliseconds(promotion)}`,
    why: inTime
      ? 'A primary that is cut off stops taking writes before another is promoted.'
      : `A primary that is cut off takes writes for up to ${milliseconds(stopsMs)}, and another may be promoted before: two members may lead for a while.`,
    cure: inTime
      ? null
      : `CONFIG SET min-replicas-max-lag ${Math.max(1, Math.floor(promotion / 1000) - 1)}, or promote later, or use waitReplicas: ${replicas}.`,
  };
}

function sentinels({ sentinel, plan }: RedisFacts): RedisFinding[] {
  if (sentinel === null) return [];
  const check = 'sentinels';
  if ('refused' in sentinel)
    return [
      unknown(
        check,
        sentinel.refused,
        'They decide when another server is promoted.',
        'Let the user of the Sentinels use SENTINEL MASTER.',
      ),
    ];
  const all = 1 + Number(sentinel.answer['num-other-sentinels'] ?? 0);
  const quorum = Number(sentinel.answer['quorum'] ?? 0);
  const downAfter = Number(sentinel.answer['down-after-milliseconds'] ?? 0);
  const seen = `${all} Sentinels, quorum ${quorum}, down-after-milliseconds ${downAfter}`;
  const few = all < 3 || quorum <= all / 2;
  const slow = downAfter > plan.leaseMs;
  return [
    {
      check,
      severity: few ? 'warning' : slow ? 'note' : 'ok',
      seen,
      why: few
        ? 'With fewer than three Sentinels, or a quorum that is no majority, one of them cut off may promote a second primary, or none can.'
        : slow
          ? `The primary may be away for longer than a lease of ${milliseconds(plan.leaseMs)} before it is replaced: the term ends, and nobody leads meanwhile.`
          : 'A majority decides, and sooner than a lease ends.',
      cure: few
        ? 'Three Sentinels or more on hosts of their own, quorum more than half of them.'
        : slow
          ? 'A longer lease, or SENTINEL SET <name> down-after-milliseconds lower.'
          : null,
    },
  ];
}

function cluster({ cluster: found, config, plan }: RedisFacts): RedisFinding[] {
  if (found === null) return [];
  const { state, slot, owner, replicas } = found;
  const timeoutMs = 'answer' in config ? Number(config.answer['cluster-node-timeout'] ?? 0) : null;
  const seen = [
    `state ${state ?? 'not told'}`,
    `slot ${slot} at ${owner || 'nobody'}`,
    `${replicas.length} replicas of it`,
    timeoutMs === null ? 'cluster-node-timeout could not be asked' : `cluster-node-timeout ${timeoutMs} ms`,
  ].join(', ');
  const base = { check: 'cluster', seen };
  if ((state !== null && state !== 'ok') || owner === '')
    return [
      {
        ...base,
        severity: 'danger',
        why: 'The cluster takes no writes for this lease.',
        cure: 'redis-cli --cluster check HOST:PORT tells which slots have no owner.',
      },
    ];
  if (replicas.length === 0)
    return [
      {
        ...base,
        severity: 'warning',
        why: 'The owner of the slot has no replica: without it nobody is granted this lease.',
        cure: 'Give each primary a replica.',
      },
    ];
  const slow = timeoutMs !== null && timeoutMs > plan.leaseMs;
  return [
    {
      ...base,
      severity: slow ? 'note' : 'ok',
      why: slow
        ? `A primary may be away for longer than a lease of ${milliseconds(plan.leaseMs)} before it is replaced: the term ends, and nobody leads meanwhile.`
        : 'Record and mirror of the lease are in one slot, whose owner can be replaced.',
      cure: slow ? 'A longer lease, or CONFIG SET cluster-node-timeout lower on every node.' : null,
    },
  ];
}

/** How many connections of all that are allowed are open. */
export function connectionCount(info: string): { readonly open: number; readonly most: number } | null {
  const open = infoNumber(info, 'connected_clients');
  const most = infoNumber(info, 'maxclients');
  return open === null || most === null || most === 0 ? null : { open, most };
}
