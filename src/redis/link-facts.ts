import { isCluster, type RedisClient } from './client.ts';

/** What a server tells of itself that decides what leases on it are worth. Null where it does not tell. */
export interface ServerFacts {
  /** `[7, 0, 15]` */
  readonly version: readonly number[] | null;
  readonly isReplica: boolean;
  /** Whether writes are refused while too few replicas are connected. */
  readonly minReplicas: boolean;
  /** How many replicas are connected. */
  readonly replicas: number | null;
  readonly evictionPolicy: string | null;
  /** Whether a change of the data set can be told. */
  readonly tellsIncarnation: boolean;
}

/** The oldest version that leases are meant for. */
export const OLDEST_VERSION = [6, 2] as const;

/** Asks the server, or one of a cluster's; null if it does not answer. */
export async function askFacts(client: RedisClient): Promise<ServerFacts | null> {
  const node = isCluster(client)
    ? client.nodes('master').find(({ status }) => status === 'ready')
    : client.status === 'ready'
      ? client
      : undefined;
  if (node === undefined) return null;
  const sections = ['server', 'replication', 'memory'].map((section) => ['info', section]);
  const results = await node
    .pipeline(sections)
    .exec()
    .catch(() => null);
  const text = (results ?? []).map(([error, reply]) => (error === null ? String(reply) : '')).join('\n');
  return text.trim() === '' ? null : factsOf(text);
}

/** Facts from the text of INFO. */
export function factsOf(info: string): ServerFacts {
  const field = (name: string) => new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
  const version = field('redis_version');
  return {
    version: version === null ? null : version.split('.').map(Number),
    isReplica: field('role') === 'slave',
    // The field is there only where the setting is in force.
    minReplicas: field('min_slaves_good_slaves') !== null,
    replicas: field('connected_slaves') === null ? null : Number(field('connected_slaves')),
    evictionPolicy: field('maxmemory_policy'),
    tellsIncarnation: field('run_id') !== null && field('master_replid') !== null,
  };
}

/** Whether a version is below another. */
export function isBelow(version: readonly number[], least: readonly number[]): boolean {
  for (const [index, wanted] of least.entries()) {
    const part = version[index] ?? 0;
    if (part !== wanted) return part < wanted;
  }
  return false;
}
