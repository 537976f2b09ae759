import { inspect } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { SettingsError } from '../../src/index.ts';
import { endpointText } from '../../src/redis/connection-string-endpoints.ts';
import {
  DEFAULT_TLS,
  describeRedis,
  parseRedis,
  type RedisEndpoint,
  type RedisSettings,
  type RedisTls,
  type RedisTopology,
} from '../../src/redis/settings.ts';

/** Settings that can be written in both forms, and then each form's own writer. */

const host = fc.oneof(
  fc.domain().filter((name) => !/amazonaws|azure|windows\.net/.test(name)),
  fc.constantFrom('localhost', 'redis-0.redis', '10.0.0.7', 'r_1', '::1', 'fe80::7:1', 'größe.example'),
);
const endpoint: fc.Arbitrary<RedisEndpoint> = fc.record({ host, port: fc.integer({ min: 1, max: 65_535 }) });
const endpoints = fc.uniqueArray(endpoint, {
  minLength: 1,
  maxLength: 4,
  selector: (each) => endpointText(each).toLowerCase(),
});

/** Passwords as generators of passwords make them, and as people do. */
const secret = fc
  .oneof(
    fc.string({ unit: 'grapheme', minLength: 1, maxLength: 20 }),
    fc.string({
      unit: fc.constantFrom(
        'a',
        'Z',
        '9',
        ',',
        '=',
        '@',
        '/',
        ':',
        '%',
        '#',
        '?',
        '&',
        '"',
        "'",
        '$',
        '!',
        ' ',
        '+',
      ),
      minLength: 1,
      maxLength: 20,
    }),
  )
  // oxlint-disable-next-line no-control-regex -- they are refused wherever they stand
  .filter((text) => !/[\u0000-\u001f\u007f]/.test(text) && text.isWellFormed());

const name = fc.stringMatching(/^[A-Za-z][A-Za-z0-9._-]{0,15}$/);
const userName = fc.oneof(fc.constant(null), secret);
const credentials = fc.option(fc.record({ username: userName, password: secret }));
const timeoutMs = fc.integer({ min: 1, max: 600_000 });

const settings: fc.Arbitrary<RedisSettings> = fc
  .record({
    kind: fc.constantFrom('servers' as const, 'sentinel' as const, 'cluster' as const, 'socket' as const),
    endpoints,
    path: fc.stringMatching(/^\/[A-Za-z0-9 ._/-]{0,30}[A-Za-z]$/),
    sentinelName: name,
    credentials,
    database: fc.integer({ min: 0, max: 99 }),
    useTls: fc.boolean(),
    serverName: fc.option(fc.domain()),
    connectTimeoutMs: timeoutMs,
    commandTimeoutMs: timeoutMs,
    keepAliveSeconds: fc.integer({ min: 0, max: 3600 }),
    clientName: name,
  })
  .map((drawn) => {
    const tls: RedisTls | null =
      drawn.useTls && drawn.kind !== 'socket' ? { ...DEFAULT_TLS, serverName: drawn.serverName } : null;
    const { credentials: who, connectTimeoutMs, commandTimeoutMs, clientName } = drawn;
    return {
      topology: topologyOf(drawn.kind, drawn.endpoints, drawn.path, drawn.sentinelName, tls),
      credentials: who,
      database: drawn.kind === 'cluster' ? 0 : drawn.database,
      tls,
      connectTimeoutMs,
      commandTimeoutMs,
      keepAliveMs: drawn.keepAliveSeconds * 1000,
      clientName,
      notes: [],
    };
  });

function topologyOf(
  kind: 'servers' | 'sentinel' | 'cluster' | 'socket',
  all: readonly RedisEndpoint[],
  path: string,
  sentinelName: string,
  tls: RedisTls | null,
): RedisTopology {
  const [first] = all;
  if (first === undefined) throw new Error('There is at least one endpoint.');
  if (kind === 'socket') return { kind, path };
  if (kind === 'cluster') return { kind, endpoints: all };
  if (kind === 'sentinel')
    return { kind, sentinels: all, name: sentinelName, username: null, password: null, tls };
  return all.length === 1 ? { kind: 'standalone', endpoint: first } : { kind: 'probe', endpoints: all };
}

const placesOf = (topology: RedisTopology): string => {
  if (topology.kind === 'socket') return '';
  if (topology.kind === 'standalone') return endpointText(topology.endpoint);
  return (topology.kind === 'sentinel' ? topology.sentinels : topology.endpoints).map(endpointText).join(',');
};

function asUrl({ topology, ...rest }: RedisSettings): string {
  const who = rest.credentials as { username: string | null; password: string } | null;
  const user =
    who === null ? '' : `${encodeURIComponent(who.username ?? '')}:${encodeURIComponent(who.password)}@`;
  const suffix = { standalone: '', probe: '', sentinel: '+sentinel', cluster: '+cluster', socket: '+unix' };
  const query = new URLSearchParams({
    connect_timeout_ms: String(rest.connectTimeoutMs),
    command_timeout_ms: String(rest.commandTimeoutMs),
    keep_alive_ms: String(rest.keepAliveMs),
    client_name: rest.clientName,
    ...(rest.tls?.serverName && { tls_server_name: rest.tls.serverName }),
    ...(topology.kind === 'socket' && { db: String(rest.database) }),
  });
  const path =
    topology.kind === 'socket'
      ? encodeURI(topology.path)
      : topology.kind === 'sentinel'
        ? `/${topology.name}/${rest.database}`
        : `/${rest.database}`;
  const scheme = `redis${rest.tls === null ? '' : 's'}${suffix[topology.kind]}`;
  return `${scheme}://${user}${placesOf(topology)}${path}?${query.toString().replaceAll('+', '%20')}`;
}

const value = (text: string): string =>
  /^["\s]|[,]|\s$/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;

function asCommaForm({ topology, ...rest }: RedisSettings): string {
  const who = rest.credentials as { username: string | null; password: string } | null;
  return [
    ...(topology.kind === 'socket' ? [`!${topology.path}`] : [placesOf(topology)]),
    ...(who === null ? [] : [`password=${value(who.password)}`]),
    ...(who === null || who.username === null ? [] : [`user=${value(who.username)}`]),
    `defaultDatabase=${rest.database}`,
    `connectTimeout=${rest.connectTimeoutMs}`,
    `syncTimeout=${rest.commandTimeoutMs}`,
    `keepAlive=${rest.keepAliveMs / 1000}`,
    `NAME=${rest.clientName}`,
    ...(rest.tls === null ? [] : ['ssl=true']),
    ...(rest.tls?.serverName ? [`sslHost=${rest.tls.serverName}`] : []),
    ...(topology.kind === 'sentinel' ? [`serviceName=${topology.name}`] : []),
    ...(topology.kind === 'cluster' ? ['mode=cluster'] : []),
  ].join(',');
}

/** In the comma form, the Sentinels get the user and password of the servers. */
function withSharedSentinelPassword(all: RedisSettings): RedisSettings {
  const { topology, credentials: who } = all;
  if (topology.kind !== 'sentinel' || who === null || typeof who === 'function') return all;
  return { ...all, topology: { ...topology, username: who.username, password: who.password } };
}

const WORDS =
  'redis:// rediss:// redis+sentinel:// redis+cluster:// unix: localhost h1:6379 , ; = @ @ : :: / / // ? & # % %4 %41 [ ] [::1] ! $ " "" password= user= ssl=true serviceName=m /0 /m ?db=1 tls_ca= \u0000 \uD800 ü  '.split(
    ' ',
  );

/** Two recognisable halves, so that it is noticed wherever a part of it is repeated. */
const HALVES = ['hunter2', 'tr0ub4dor'] as const;
const plantedSecret = fc
  .stringMatching(/^[,;=@/:%#?&"'$! +.|[\]-]{0,3}$/)
  .map((between) => `${HALVES[0]}${between}${HALVES[1]}`);

describe('a connection string', () => {
  test.prop([settings])('means the same settings when written as a URL and read again', (all) => {
    expect(parseRedis(asUrl(all))).toEqual(all);
  });

  test.prop([settings])('means the same settings when written in the comma form and read again', (all) => {
    expect(parseRedis(asCommaForm(all))).toEqual(withSharedSentinelPassword(all));
  });

  test.prop([settings.map((all) => ({ ...all, credentials: null }))])(
    'without a password is the same when described and read again',
    (all) => {
      const again = parseRedis(describeRedis(all));
      expect(again).toMatchObject({ topology: all.topology.kind === 'sentinel' ? {} : all.topology });
      expect(describeRedis(again)).toBe(describeRedis(all));
    },
  );

  test.prop(
    [
      fc.oneof(
        fc.string({ unit: 'binary' }),
        fc.array(fc.constantFrom(...WORDS)).map((all) => all.join('')),
      ),
    ],
    {
      numRuns: 2000,
    },
  )('of whatever characters gives settings or a SettingsError, never anything else', (text) => {
    try {
      expect(parseRedis(text)).toHaveProperty('topology');
    } catch (error) {
      expect(error).toBeInstanceOf(SettingsError);
    }
  });

  test.prop(
    [
      fc.array(fc.constantFrom(...WORDS), { maxLength: 6 }),
      plantedSecret,
      fc.array(fc.constantFrom(...WORDS), { maxLength: 6 }),
    ],
    { numRuns: 3000 },
  )('is never repeated by its errors and notes, wherever a secret landed', (before, planted, after) => {
    const text = `${before.join('')}${planted}${after.join('')}`;
    let told: string;
    try {
      const understood = parseRedis(text);
      const { credentials: who, notes, ...parsed } = understood;
      told = notes.join(' ');
      // Taken for a host, a user or a file it is shown as one: nobody can know better.
      const user = typeof who === 'function' ? null : who?.username;
      const elsewhere = inspect([parsed, user], { depth: 9 });
      if (!HALVES.some((half) => elsewhere.includes(half))) told += describeRedis(understood);
    } catch (error) {
      told = inspect(error, { depth: 9 }).split('\n    at ')[0] ?? '';
    }
    for (const half of HALVES) expect(told).not.toContain(half);
  });
});

describe('a column in a message', () => {
  const columnOf = (text: string): number => {
    try {
      parseRedis(text);
    } catch (error) {
      return Number(/column (\d+)/.exec((error as Error).message)?.[1]);
    }
    throw new Error('This was understood.');
  };

  it.each([
    ['redis://host:70000', 14],
    ['  redis://host:port', 16],
    ['redis://:a/b@host', 11],
    ['redis://a@b:c@host', 10],
    ['redis://host/0?conect_timeout_ms=5', 16],
    ['host:6379,ssl=maybe', 15],
    ['host:6379,pasword=x', 11],
    ['a,password=b,c,ssl=true', 14],
    ['a,password="b,c', 12],
    ['redis://u:50%@host', 13],
    ['/run/r.sock?tls=x', 17],
  ])('of %j is that of the trouble, counted from 1: %i', (text, column) => {
    expect(columnOf(text)).toBe(column);
  });
});
