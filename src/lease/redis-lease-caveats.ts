import { connectionOptionsOf, isCluster, type RedisClient } from '../redis/client.ts';
import { isBelow, type ServerFacts } from '../redis/link-facts.ts';

/** What a store on Redis does not keep as it stands, a sentence or two each. */

export interface CaveatGrounds {
  readonly waitReplicas: number;
  readonly freshStore: 'wait' | 'trust';
  /** Null until the server has told. */
  readonly facts: ServerFacts | null;
}

export function storeCaveats({ waitReplicas, freshStore, facts }: CaveatGrounds): string[] {
  const caveats: string[] = [];
  const failover = failoverCaveat(waitReplicas, facts);
  if (failover !== null) caveats.push(failover);
  if (freshStore === 'trust') {
    caveats.push(
      'A member that has seen no leader yet trusts an empty Redis: losing its data while another leads may make two ' +
        "leaders for at most one lease. freshStore: 'wait' waits that lease at the first start instead.",
    );
  }
  if (facts === null) return caveats;
  if (!facts.tellsIncarnation) {
    caveats.push(
      'This server does not tell which data set it holds (INFO: run_id, master_replid): after each new connection a ' +
        'member takes its data for lost and has everybody wait for one lease before somebody else is granted it. Let all ' +
        'members use INFO or none: else those that may not have the others wait, too.',
    );
  }
  if (facts.evictionPolicy !== null && facts.evictionPolicy !== 'noeviction') {
    caveats.push(
      `The server evicts keys when its memory is full (maxmemory-policy ${facts.evictionPolicy}), leases among them: a ` +
        'leader whose mirror is evicted steps down, and a record that is evicted is waited out. Use noeviction.',
    );
  }
  if (facts.version !== null && isBelow(facts.version, [7])) {
    caveats.push(
      `This is Redis ${facts.version.join('.')}: before version 7, full memory ends the term of a leader, for it cannot renew.`,
    );
  }
  return caveats;
}

/**
 * As many as there are replicas must confirm, no fewer: one that need not may be promoted while the old primary and the
 * others go on confirming to the former leader.
 */
function failoverCaveat(waitReplicas: number, facts: ServerFacts | null): string | null {
  const connected = facts?.replicas ?? null;
  const all =
    connected === null || connected === 0 ? 'the number of all replicas' : `${connected}, all replicas`;
  if (waitReplicas > 0)
    return connected === null || connected <= waitReplicas
      ? null
      : `Only ${waitReplicas} of ${connected} replicas must confirm a lease: another may be promoted while the old primary ` +
          'and those go on. Promises 1 (one leader) and 4 (lost data grant nothing) hold across failovers only with ' +
          `waitReplicas: ${connected}.`;
  if (facts?.minReplicas === true)
    return (
      'The server has min-replicas-to-write: promises 1 and 4 hold across failovers only if that is ' +
      `${all}, and min-replicas-max-lag below the time after which one is promoted; or with waitReplicas at that number.`
    );
  return (
    'A failover of Redis may lose its last writes, and an old primary may go on taking them: promises 1 (one leader) ' +
    `and 4 (lost data grant nothing) hold across failovers only with waitReplicas at ${all}, or with ` +
    'min-replicas-to-write at that number on the servers.'
  );
}

/** What an application's own client does that a client made for leases would not. */
export function clientCaveats(client: RedisClient): string[] {
  const options = connectionOptionsOf(client);
  const caveats: string[] = [];
  if (options.autoResendUnfulfilledCommands !== false) {
    caveats.push(
      'The given client sends unanswered commands again after a reconnect (autoResendUnfulfilledCommands): a lease that ' +
        'its asker has given up may be granted late and stand for its time. Set it to false.',
    );
  }
  if (typeof options.commandTimeout !== 'number') {
    caveats.push(
      'The given client has no commandTimeout: on a connection whose packets go nowhere calls stay unanswered until the ' +
        'system gives up, which takes minutes. Set commandTimeout, and socketTimeout, to a few seconds.',
    );
  }
  if (options.maxRetriesPerRequest !== 0) {
    caveats.push(
      `The given client keeps unanswered commands over ${String(options.maxRetriesPerRequest ?? 'any number of')} reconnects ` +
        '(maxRetriesPerRequest): a failure is told late. Set it to 0.',
    );
  }
  if (options.enableReadyCheck === false && !isCluster(client)) {
    caveats.push(
      'The given client does not check whether the server is ready (enableReadyCheck): calls fail while it loads its data.',
    );
  }
  return caveats;
}
