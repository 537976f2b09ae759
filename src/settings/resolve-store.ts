import { resolve } from 'node:path';
import { SettingsError } from '../errors.ts';
import type { Layers } from './layers.ts';
import { type Origin, rankOf } from './origin.ts';
import { DEFAULTS } from './presets.ts';
import { looksSecret } from '../config/redact-names.ts';
import { Secret } from './secret.ts';
import type { LeaderElectionSettings, StoreSettings } from './settings.ts';

/**
 * Where members compete. What was asked for by name (`store`) is used, else the Redis that is given. Only without any
 * settings at all a member chooses by itself: a fleet whose Redis was forgotten must not elect a leader on each host.
 */

/**
 * What a Redis connection string means, for people, and whether a lease may have this key there; asked of whoever knows
 * Redis.
 *
 * @throws SettingsError that does not repeat the string
 */
export type ReadRedis = (
  connection: string,
  lease?: Pick<LeaderElectionSettings, 'resourceName' | 'keyPrefix' | 'lockKey'>,
) => { readonly name: string; readonly notes: readonly string[] };

export interface StoreContext {
  readonly readRedis: ReadRedis;
  readonly cwd: string;
  readonly directory: string;
  /** Whether anything was given that says what is wanted: a file, or variables but those a pod has anyway. */
  readonly bare: boolean;
  /** Whether there must be one. */
  readonly needed: string | null;
  readonly inPod: boolean;
  readonly election: LeaderElectionSettings;
}

export function resolveStore(layers: Layers, context: StoreContext): StoreSettings {
  const waitReplicas = layers.take('waitReplicas', 'store.waitReplicas', DEFAULTS.waitReplicas);
  const chosen = choose(layers, context);
  layers.origins.set('store.connection', chosen.origin);
  const none = { connection: null, name: null, kind: null, waitReplicas };
  if (chosen.text === null) return none;
  const read = readStore(layers, chosen.text, chosen.origin, context);
  const replicas = layers.get('waitReplicas');
  if (replicas !== undefined && read !== null && read.kind !== 'redis')
    layers.note('This has no effect, because the store is no Redis.', replicas.origin);
  return read === null ? none : { ...read, waitReplicas };
}

interface Chosen {
  readonly text: string | null;
  readonly origin: Origin;
}

function choose(layers: Layers, context: StoreContext): Chosen {
  const store = layers.get('store');
  const redis = redisOf(layers);
  if (store !== undefined && store.value.trim().toLowerCase() !== 'redis') {
    if (redis !== null)
      layers.note('This has no effect, because another store is asked for at', redis.origin, store.origin);
    return { text: store.value, origin: store.origin };
  }
  if (redis !== null) return redis;
  const origin: Origin = { layer: 'default' };
  if (store !== undefined) {
    layers.problem(
      'No Redis is given. Give its connection string, for example by REDIS_CONNECTION_STRING.',
      store.origin,
    );
    return { text: null, origin: store.origin };
  }
  if (context.needed === null) return { text: null, origin };
  if (context.bare) {
    if (context.inPod)
      layers.note(
        'The embedded store is for processes of one host, and this is a pod: each pod would have a leader of its own. Give a Redis.',
        null,
      );
    return { text: `sqlite:${context.directory}/leases.db`, origin };
  }
  const where = layers.origins.get('leaderElection.enabled') ?? origin;
  layers.problem(
    `${context.needed}, but no Redis is given. Give one: redis { connection = env("REDIS_CONNECTION_STRING") }. ` +
      'Or choose the embedded store on purpose, for processes of one host: store = "sqlite:.conclave/leases.db" ' +
      '(CONCLAVE_STORE, --store).',
    where,
  );
  return { text: null, origin };
}

/** The Redis of the latest layer that gives one: a connection string, or its parts. */
function redisOf(layers: Layers): Chosen | null {
  const host = layers.get('redisHost');
  const connection = connectionOf(layers);
  if (host === undefined) {
    for (const id of ['redisPort', 'redisUsername', 'redisPassword', 'redisDatabase', 'redisTls'] as const) {
      const part = layers.get(id);
      if (part !== undefined && connection === undefined)
        layers.problem('This is a part of a Redis whose host is missing.', part.origin, { secret: true });
      else if (part !== undefined)
        layers.note(
          'This has no effect, because a connection string is given at',
          part.origin,
          connection?.origin,
        );
    }
  }
  if (host === undefined)
    return connection === undefined ? null : withTimeout(layers, connection.value, connection.origin);
  if (connection !== undefined) {
    if (rankOf(connection.origin) === rankOf(host.origin))
      layers.problem(
        'Redis is given by a connection string, too. Leave one out, that or the one at',
        host.origin,
        { other: connection.origin },
      );
    if (rankOf(connection.origin) >= rankOf(host.origin))
      return withTimeout(layers, connection.value, connection.origin);
  }
  return withTimeout(layers, urlOf(layers, host.value), host.origin);
}

function connectionOf(layers: Layers) {
  const connection = layers.get('redisConnection');
  const cache = layers.get('cacheEnabled');
  const isOff = cache?.value === false && connection?.name?.path.startsWith('cache.') === true;
  if (isOff)
    layers.note('This is not used, because its block is switched off at', connection.origin, cache.origin);
  return isOff ? undefined : connection;
}

function urlOf(layers: Layers, host: string): string {
  const part = (text: string | undefined) => (text === undefined ? '' : encodeURIComponent(text));
  const [username, password] = [layers.get('redisUsername')?.value, layers.get('redisPassword')?.value];
  const user = password === undefined && username === undefined ? '' : `${part(username)}:${part(password)}@`;
  const scheme = layers.get('redisTls')?.value === true ? 'rediss' : 'redis';
  const address = host.includes(':') && !host.startsWith('[') ? `[${host}]` : host;
  const port = layers.get('redisPort')?.value;
  const database = layers.get('redisDatabase')?.value;
  return `${scheme}://${user}${address}${port === undefined ? '' : `:${port}`}${database === undefined ? '' : `/${database}`}`;
}

function withTimeout(layers: Layers, connection: string, origin: Origin): Chosen {
  const timeout = layers.get('connectTimeoutMs');
  if (timeout === undefined || /connect_timeout_ms=|connectTimeout=/i.test(connection))
    return { text: connection, origin };
  if (timeout.value === 0) {
    layers.problem('It must be 1 ms or more.', timeout.origin);
    return { text: connection, origin };
  }
  const text = connection.trim();
  const isUrl = /^[a-z][a-z0-9+.-]*:\/\/|^(redis[+-])?unix:|^\//i.test(text);
  if (!isUrl) return { text: `${text},connectTimeout=${timeout.value}`, origin };
  const [beforeFragment = '', ...fragment] = text.split('#');
  const sign = beforeFragment.includes('?') ? '&' : '?';
  const rest = fragment.length === 0 ? '' : `#${fragment.join('#')}`;
  return { text: `${beforeFragment}${sign}connect_timeout_ms=${timeout.value}${rest}`, origin };
}

const FORMS = 'It must be sqlite:PATH, memory, or a Redis connection string such as redis://HOST.';

/** Words and paths alone are taken for slips of the keyboard, although they could be a host or a socket. */
const LOOKS_LIKE_REDIS = /^[a-z][a-z0-9+-]*:\/\/|^(redis[+-])?unix:|[,=@]|^[^/]+:\d+$/i;

function readStore(
  layers: Layers,
  text: string,
  origin: Origin,
  { readRedis, cwd, election }: StoreContext,
): Omit<StoreSettings, 'waitReplicas'> | null {
  if (text === 'memory') return { connection: new Secret(text), name: text, kind: 'memory' };
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1];
  if (path !== undefined && looksSecret(path)) {
    layers.problem(
      'This looks like a secret, such as a connection string with a password; it must be the path of a file.',
      origin,
      { secret: true },
    );
    return null;
  }
  if (path !== undefined) {
    const whole = `sqlite:${resolve(cwd, path)}`;
    return { connection: new Secret(whole), name: whole, kind: 'sqlite' };
  }
  const isRedis = LOOKS_LIKE_REDIS.test(text) || origin !== layers.get('store')?.origin;
  if (!isRedis) {
    layers.problem(FORMS, origin, { secret: true });
    return null;
  }
  try {
    const { name, notes } = readRedis(text);
    for (const note of notes) layers.note(note, origin);
    checkKey(layers, () => readRedis(text, election));
    return { connection: new Secret(text), name, kind: 'redis' };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    layers.problem(error.message, origin, { secret: true });
    return null;
  }
}

function checkKey(layers: Layers, check: () => unknown): void {
  try {
    check();
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    const given = layers.get('lockKey') ?? layers.get('keyPrefix') ?? layers.get('resourceName');
    layers.problem(error.message, given?.origin ?? null);
  }
}
