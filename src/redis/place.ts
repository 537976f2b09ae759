import { SettingsError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import {
  connectionOptionsOf,
  isCluster,
  type RedisClient,
  type RedisCluster,
  type RedisNode,
} from './client.ts';
import { subscriberBeside } from './link-subscription.ts';
import type { LinkOptions } from './link.ts';
import { describeRedis, parseRedis, type RedisSettings, type RedisSettingsInput } from './settings.ts';
import { openClient } from './topology.ts';

/** Where data in Redis are: a connection string, settings, or a client of ioredis that the application has anyway. */
export type RedisPlace = string | RedisSettingsInput | RedisSettings | RedisClient;

/** How a store gets at a place: one connection for commands, and another that hears what is published. */
export interface RedisWiring {
  readonly link: Pick<LinkOptions, 'open' | 'owned' | 'location'>;
  openSubscriber(client: RedisClient): Promise<RedisNode | null> | RedisNode | null;
  /** Of the database; pub/sub knows none, so that channels of different databases need different names. */
  readonly database: number;
  /** What the settings say besides, for people. */
  readonly notes: readonly string[];
  /** The application's own client, if it is one. */
  readonly given: RedisClient | null;
}

export interface WiringOptions {
  readonly clock: Clock;
  /** Hears what turns out while connecting. */
  readonly onNote?: (message: string) => void;
  /** Why a given client must not put anything before keys, and what to give instead. */
  readonly refusePrefix: (prefix: string) => string;
}

/** @throws SettingsError `SETTINGS_INVALID`, `REDIS_SETTINGS_INVALID` */
export function wiringOf(place: RedisPlace, options: WiringOptions): RedisWiring {
  return isClient(place) ? given(place, options) : own(place, options);
}

/** Connections of our own. */
function own(
  place: string | RedisSettingsInput | RedisSettings,
  { clock, onNote = () => {} }: WiringOptions,
): RedisWiring {
  const settings = typeof place === 'object' && 'topology' in place ? place : parseRedis(place);
  let closing: AbortSignal | null = null;
  return {
    link: {
      owned: true,
      location: describeRedis(settings),
      open: (onError, signal) => {
        closing = signal;
        return openClient(settings, 'commands', onError, { clock, signal, onNotice: onNote });
      },
    },
    async openSubscriber(client) {
      if (isCluster(client)) {
        await refreshCredentials(client, settings);
        return subscriberBeside(client, systemRandomness);
      }
      // Why it does not stand is what commands are told, too.
      return (await openClient(settings, 'subscriber', () => {}, {
        clock,
        ...(closing && { signal: closing }),
      })) as RedisNode;
    },
    database: settings.database,
    notes: settings.notes,
    given: null,
  };
}

/** What a node connected with may have expired since, and is what another connection to it would begin with. */
async function refreshCredentials(cluster: RedisCluster, { credentials }: RedisSettings): Promise<void> {
  if (typeof credentials !== 'function') return;
  const { username, password } = await credentials();
  for (const node of cluster.nodes('all')) Object.assign(node.options, { username, password });
}

/** An application's own client, which is never closed or changed. */
function given(client: RedisClient, { refusePrefix }: WiringOptions): RedisWiring {
  const prefix = client.options.keyPrefix ?? connectionOptionsOf(client).keyPrefix ?? '';
  if (prefix !== '') throw new SettingsError('SETTINGS_INVALID', refusePrefix(JSON.stringify(prefix)));
  return {
    link: { owned: false, location: locationOf(client), open: () => client },
    openSubscriber: (opened) => subscriberBeside(opened, systemRandomness),
    database: isCluster(client) ? 0 : (client.options.db ?? 0),
    notes: [],
    given: client,
  };
}

/** Where a given client leads, for people. */
function locationOf(client: RedisClient): string {
  if (isCluster(client)) return 'a cluster (given client)';
  const { host = '127.0.0.1', port = 6379, path, sentinels } = client.options;
  if (sentinels) return 'the primary that Sentinels name (given client)';
  return `${path ?? `${host}:${port}`} (given client)`;
}

function isClient(place: RedisPlace): place is RedisClient {
  return typeof place === 'object' && 'status' in place && 'disconnect' in place;
}
