import type { ConclaveError } from '../errors.ts';
import { leaseChannel, leaseKeys } from '../lease/redis-lease-keys.ts';
import { redisLeases } from '../lease/redis-leases.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { CheckRedisOptions, RedisCheckup } from './check-redis.ts';
import { isCluster, type RedisClient, type RedisCluster, type RedisNode } from './client.ts';
import { accessFindings } from './doctor-access.ts';
import {
  asked,
  askConfig,
  askDenied,
  askModules,
  askSlowest,
  askStalls,
  pairs,
  takeSamples,
} from './doctor-ask.ts';
import { dataFindings } from './doctor-data.ts';
import { failoverFindings } from './doctor-failover.ts';
import type { ClusterFacts, RedisFacts } from './doctor-facts.ts';
import type { RedisFinding } from './doctor-findings.ts';
import { timeFindings } from './doctor-time.ts';
import { hashSlot } from './hash-slot.ts';
import { describeRedis, parseRedis, type RedisSettings, type RedisSettingsInput } from './settings.ts';
import { openClient } from './topology.ts';

const BY_GRAVITY = ['danger', 'warning', 'unknown', 'note', 'ok'] as const;

/** What `checkRedis` does. */
export async function examine(
  place: string | RedisSettingsInput | RedisSettings,
  options: CheckRedisOptions = {},
): Promise<RedisCheckup> {
  const settings = typeof place === 'object' && 'topology' in place ? place : parseRedis(place);
  const { resource = 'default' } = options;
  const base = { location: describeRedis(settings), resource };
  leaseKeys(resource, options);
  const errors: ConclaveError[] = [];
  const giveUp = new AbortController();
  const { clock = systemClock, patienceMs = 5000 } = options;
  const timer = clock.setTimeout(() => giveUp.abort(), patienceMs);
  let client: RedisClient | null = null;
  try {
    const connecting = { clock, signal: giveUp.signal };
    client = await openClient(settings, 'commands', (error) => errors.push(error), connecting);
    const node = await nodeFor(client, settings, options, { signal: giveUp.signal, clock });
    if (node === null) return { ...base, findings: [unreachable(errors, patienceMs)] };
    const facts = await gather(settings, client, node, { ...options, resource, clock });
    return { ...base, findings: judge(facts) };
  } catch (error) {
    if (!giveUp.signal.aborted) throw error;
    return { ...base, findings: [unreachable(errors, patienceMs)] };
  } finally {
    clock.clearTimeout(timer);
    client?.disconnect();
  }
}

/** What follows from the facts, the worst first. */
export function judge(facts: RedisFacts): RedisFinding[] {
  const findings = [
    ...dataFindings(facts),
    ...failoverFindings(facts),
    ...accessFindings(facts),
    ...timeFindings(facts),
  ];
  return findings.toSorted((a, b) => BY_GRAVITY.indexOf(a.severity) - BY_GRAVITY.indexOf(b.severity));
}

function unreachable(errors: readonly ConclaveError[], patienceMs: number): RedisFinding {
  const [error] = errors;
  return {
    check: 'connection',
    severity: 'danger',
    seen: error?.message ?? `no connection within ${patienceMs} ms`,
    why: 'Without a connection nobody leads; everything else could not be looked at.',
    cure: error === undefined ? 'Check address, network and firewall.' : null,
  };
}

interface Patience {
  readonly signal: AbortSignal;
  readonly clock: Clock;
}

const LOOK_MS = 10;

/** The connection to the server that has the lease, once it stands; null if it does not in time. */
async function nodeFor(
  client: RedisClient,
  { topology }: RedisSettings,
  { resource = 'default', ...options }: CheckRedisOptions,
  { signal, clock }: Patience,
): Promise<RedisNode | null> {
  const slot = hashSlot(leaseKeys(resource, options).record);
  while (!signal.aborted) {
    const node = isCluster(client) ? ownerOf(client, slot) : client;
    if (node?.status === 'ready') return node;
    await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS));
  }
  // Nobody owns the slot: any node can tell that.
  const any = isCluster(client) ? client.nodes().find(({ status }) => status === 'ready') : undefined;
  return topology.kind === 'standalone' ? null : (any ?? null);
}

function ownerOf(cluster: RedisCluster, slot: number): RedisNode | undefined {
  const [owner] = cluster.slots[slot] ?? [];
  return cluster.nodes().find(({ options: { host, port } }) => `${host}:${port}` === owner);
}

type Gathering = CheckRedisOptions & { readonly resource: string; readonly clock: Clock };

async function gather(
  settings: RedisSettings,
  client: RedisClient,
  node: RedisNode,
  options: Gathering,
): Promise<RedisFacts> {
  const { resource, clock, leaseDurationMs = 15_000, waitReplicas = 0, keyPrefix, keys: own } = options;
  const keys = leaseKeys(resource, options);
  const channel = leaseChannel(keys, settings.database);
  const needs = {
    ...keys,
    channel,
    database: settings.database,
    waits: waitReplicas > 0,
    inCluster: isCluster(client),
  };
  const renewMs = options.renewIntervalMs ?? leaseDurationMs / 3;
  return {
    settings,
    plan: { resource, leaseMs: leaseDurationMs, renewMs, waitReplicas },
    info: await asked(async () => String(await node.call('INFO'))),
    config: await askConfig(node),
    modules: await askModules(node),
    stalls: await askStalls(node),
    slowestMs: await askSlowest(node),
    denied: await askDenied(node, needs),
    cluster: isCluster(client) ? await clusterFacts(client, node, keys.record) : null,
    sentinel: await askSentinel(settings, options),
    lease: await asked(async () => {
      const called = {
        ...(keyPrefix !== undefined && { keyPrefix }),
        ...(own !== undefined && { keys: own }),
      };
      await using leases = redisLeases(client, { clock, ...called });
      return await leases.inspect(resource, { signal: new AbortController().signal });
    }),
    samples: await takeSamples(node, clock),
  };
}

async function clusterFacts(client: RedisCluster, node: RedisNode, record: string): Promise<ClusterFacts> {
  const slot = hashSlot(record);
  const [owner = '', ...replicas] = client.slots[slot] ?? [];
  const info = await asked(async () => String(await node.call('CLUSTER', 'INFO')));
  const state = 'answer' in info ? (/^cluster_state:(\w+)/m.exec(info.answer)?.[1] ?? null) : null;
  return { state, slot, owner, replicas };
}

/** The first Sentinel that answers tells. */
async function askSentinel(settings: RedisSettings, { clock }: Gathering): Promise<RedisFacts['sentinel']> {
  const { topology } = settings;
  if (topology.kind !== 'sentinel') return null;
  const { username, password, tls, name } = topology;
  let refused = 'none of the Sentinels answers';
  for (const endpoint of topology.sentinels) {
    const own: RedisSettings = {
      ...settings,
      topology: { kind: 'standalone', endpoint },
      credentials: password === null ? null : { username, password },
      database: 0,
      tls,
    };
    const errors: ConclaveError[] = [];
    const sentinel = await openClient(own, 'commands', (error) => errors.push(error), { clock });
    try {
      await until(() => sentinel.status === 'ready' || errors.length > 0, clock);
      if (isCluster(sentinel) || sentinel.status !== 'ready') throw errors[0] ?? new Error('no connection');
      return { answer: pairs(await sentinel.call('SENTINEL', 'MASTER', name)) };
    } catch (error) {
      refused = error instanceof Error ? error.message : String(error);
    } finally {
      sentinel.disconnect();
    }
  }
  return { refused };
}

const SENTINEL_MS_MAX = 2000;

async function until(isSo: () => boolean, clock: Clock): Promise<void> {
  const deadline = clock.monotonicMs() + SENTINEL_MS_MAX;
  while (!isSo() && clock.monotonicMs() < deadline)
    await new Promise<void>((resolve) => clock.setTimeout(resolve, LOOK_MS));
}
