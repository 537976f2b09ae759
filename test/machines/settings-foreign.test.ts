/** What is ours and what is not: unknown keys, blocks of others, keys without effect, and secrets that are never told. */
import { TOKEN_LENGTH_MIN as SERVED_TOKEN_LENGTH_MIN } from '../../src/server/tokens.ts';
import { TOKEN_LENGTH_MIN } from '../../src/settings/setting-kinds.ts';
import { inspect } from 'node:util';
import { describe, expect, test } from 'vitest';
import { showOrigin } from '../../src/settings/origin.ts';
import { shownSettings } from '../../src/settings/shown-settings.ts';
import { composed, nested, told } from './settings-layers.ts';

const memory = { store: 'memory' };
const LE = 'high_availability.leader_election';

describe('an unknown key', () => {
  test.each([
    [
      { conclave: nested({ [`${LE}.lease_duration_second`]: 30 }) },
      'lease_duration_second: There is no such key. Did you mean lease_duration_seconds?',
    ],
    [{ conclave: { servr: {} } }, 'conclave.servr: There is no such key. Did you mean server?'],
    [
      { conclave: { zzzzzzzzzzzzzzz: 1 } },
      'conclave.zzzzzzzzzzzzzzz: There is no such key. There are environment, store,',
    ],
    [{ honua: nested({ [`${LE}.nonsense`]: 30 }) }, 'nonsense: There is no such key.'],
    [
      nested({ 'LeaderElection.LeaseDuration': 30 }),
      'LeaderElection.LeaseDuration: There is no such key. Did you mean LeaseDurationSeconds?',
    ],
    [
      nested({ 'Redis.ConectionString': 'redis://r' }),
      'Redis.ConectionString: There is no such key. Did you mean ConnectionString?',
    ],
    [nested({ 'controller.leader_election.lease_durations': '1s' }), 'Did you mean lease_duration?'],
    [
      { conclave: { server: { tokens: [{ tokn: 'a' }] } } },
      'tokens[0].tokn: There is no such key; there are token and scopes. Did you mean token?',
    ],
  ])('of ours is refused: %j', (file, message) => {
    expect(told(composed({ file, flags: memory }).problems).join('\n')).toContain(message);
  });

  test.each([
    ['LeaderElection__LeaseDurationSecond', 'Did you mean LeaseDurationSeconds?'],
    ['conclave__server__prt', 'Did you mean port?'],
    ['HIGHAVAILABILITY__ENABLD', 'Did you mean enabled?'],
  ])('of ours in the environment is refused: %s', (variable, message) => {
    const said = told(composed({ environment: { [variable]: '1' }, flags: memory }).problems)
      .join('\n')
      .toLowerCase();
    expect(said).toContain(`${variable}: there is no such key. ${message}`.toLowerCase());
  });

  test('of a section that others may have, too, is told if it resembles one of ours', () => {
    const environment = { Server__Prt: '1', Redis__ConectionString: 'x' };
    const { problems, notes } = composed({ environment, flags: memory });
    expect(problems).toEqual([]);
    expect(told(notes)).toEqual([
      'Server__Prt: This is none of ours, and left alone. Did you mean port?',
      'Redis__ConectionString: This is none of ours, and left alone. Did you mean ConnectionString?',
    ]);
  });

  test('like CONCLAVE_LESE is told; what a pod and a command of `run` find there is not', () => {
    const environment = {
      CONCLAVE_LESE: '1s',
      CONCLAVE_LEASE_TOKEN: '7',
      CONCLAVE_LEASE_TERM: '7',
      CONCLAVE_LEASE_RESOURCE: 'r',
      CONCLAVE_SERVICE_HOST: '10.0.0.1',
      CONCLAVE_SERVICE_PORT_HTTP: '80',
      CONCLAVE_PORT_8080_TCP_ADDR: '10.0.0.1',
      CONCLAVE_PORT: 'tcp://10.0.0.1:8080',
      CONCLAVE_METRICS_SERVICE_HOST: '10.0.0.1',
      CONCLAVE_METRICS_PORT_8081_TCP: 'tcp://10.0.0.1:8081',
      CONCLAVE_METRICS_PORT: 'tcp://10.0.0.1:8081',
      CONCLAVE_TOKEN: 'token-of-an-operator',
      CONCLAVE_XSTATE_BUILD: 'development',
      PATH: '/bin',
      Logging__LogLevel__Default: 'Debug',
      OTHER__Enabled: 'x',
      METRICS__ENABLED: 'true',
      Server__Threads: '4',
      Redis__Url: 'redis://other',
      ConnectionStrings__Default: 'Server=db',
    };
    const { problems, notes, settings } = composed({ environment, flags: memory });
    expect(told(problems)).toEqual([]);
    expect(told(notes)).toEqual([
      'CONCLAVE_LESE: There is no such setting. Did you mean CONCLAVE_LEASE?',
      expect.stringContaining('CONCLAVE_PORT: Kubernetes sets this'),
      expect.stringContaining('CONCLAVE_METRICS_PORT: Kubernetes sets this'),
    ]);
    expect(settings.server.port).toBe(8080);
  });
});

describe('replicas to wait for, in a block where nobody would wait for them,', () => {
  const redis = { connection: 'redis://r' };
  test.each([
    ['redis.wait_replicas', { conclave: {}, redis: { wait_replicas: 1 }, cache: { redis } }],
    ['Redis.WaitReplicas', { conclave: {}, Redis: { ConnectionString: 'redis://r', WaitReplicas: 1 } }],
    ['cache.redis.wait_replicas', { conclave: {}, cache: { redis: { ...redis, wait_replicas: 1 } } }],
  ])('are refused: %s', (path, file) => {
    expect(told(composed({ file }).problems)).toEqual([
      expect.stringMatching(
        new RegExp(
          `^${path}: It counts only in .* conclave { redis { wait_replicas = 1 } }\\. .* Move it there\\.$`,
        ),
      ),
    ]);
  });
});

test.each(['Redis__WaitReplicas', 'Cache__Redis__wait_replicas'])(
  'so they are as the variable %s',
  (variable) => {
    expect(told(composed({ environment: { [variable]: '1' }, flags: memory }).problems)).toEqual([
      `${variable}: No replica would be waited for by this. It must be CONCLAVE_WAIT_REPLICAS, or redis__wait_replicas.`,
    ]);
  },
);

describe('what is not ours is left alone', () => {
  test.each([
    ['sections', { Logging: { LogLevel: { Default: 'Debug' } }, AllowedHosts: '*', Serilog: [] }],
    ['other kinds of caches', { cache: { memory: { size: 7, nonsense: [] }, default_ttl: 7 } }],
    ['other connection strings', { ConnectionStrings: { Default: 'Server=db;Password=x' } }],
    ['other blocks of an application', { honua: { cors: { origins: ['*'] }, service: { map: {} } } }],
    ['the rest of a controller', { controller: { workers: 4, metrics: { bind: ':1' } } }],
    [
      'the rest of an application',
      { Honua: { Services: {}, ConfigurationV2: { Path: '/etc/app', Strict: true } } },
    ],
    [
      'sections named like our blocks',
      {
        LeaderElection: {},
        Server: { Threads: 4 },
        Metrics: true,
        Store: 'x',
        Environment: 'qa',
        Directory: 7,
      },
    ],
    ['blocks beside a root block', { conclave: { store: 'memory' }, server: { threads: 4 }, metrics: true }],
  ])('%s', (_, file) => {
    const { problems, notes } = composed({ file, flags: memory });
    expect([...told(problems), ...told(notes)]).toEqual([]);
  });

  test('but one that resembles ours is told', () => {
    const { problems, notes } = composed({ file: { LeaderElecton: {} }, flags: memory });
    expect(problems).toEqual([]);
    expect(told(notes)).toEqual([
      'LeaderElecton: This is none of ours, and left alone. Did you mean LeaderElection?',
    ]);
  });
});

describe('in one file', () => {
  test('a setting that is given twice is refused unless it is the same', () => {
    const twice = (one: number, other: number) =>
      told(
        composed({
          file: nested({
            'LeaderElection.RenewalIntervalSeconds': one,
            'LeaderElection.RenewIntervalSeconds': other,
          }),
          flags: memory,
        }).problems,
      );
    expect(twice(4, 4)).toEqual([]);
    expect(twice(4, 5)).toEqual([
      'LeaderElection.RenewIntervalSeconds: This is given another value at LeaderElection.RenewalIntervalSeconds',
    ]);
  });

  test('both names of the root, and the older sections, may stand beside each other', () => {
    const file = {
      conclave: nested({ store: 'memory', [`${LE}.resource_name`]: 'a' }),
      Honua: { ConfigurationV2: { Path: '/c' } },
      LeaderElection: { KeyPrefix: 'p:' },
    };
    const { settings, problems } = composed({ file });
    expect(told(problems)).toEqual([]);
    expect(settings).toMatchObject({
      configuration: { path: '/c' },
      leaderElection: { resourceName: 'a', keyPrefix: 'p:' },
    });
    const twice = composed({
      file: { conclave: { store: 'memory', log_level: 'warn' }, honua: { log_level: 'error' } },
    });
    expect(told(twice.problems)).toEqual([
      'honua.log_level: This is given another value at conclave.log_level',
    ]);
  });

  test('a Redis that is the application’s own is not taken beside a root block', () => {
    const file = { conclave: { store: 'redis' }, redis: { host: 'other', port: 7 } };
    expect(told(composed({ file }).problems)).toEqual([expect.stringContaining('No Redis is given.')]);
  });

  test('repeated blocks and values in the place of blocks are refused', () => {
    const said = (file: unknown) => told(composed({ file, flags: memory }).problems).join('\n');
    expect(said({ conclave: { server: [{ port: 1 }, { port: 2 }] } })).toContain(
      'conclave.server: This block is there 2 times',
    );
    expect(said({ conclave: 7 })).toContain('conclave: This must be a block with keys:');
    expect(said({ redis: 'redis://r' })).toContain('redis: This must be a block with keys: connection,');
  });

  test('an environment without a preset is refused in our own block, and told elsewhere', () => {
    const own = composed({ file: { conclave: { environment: 'qa' } }, flags: memory });
    expect(told(own.problems)).toEqual([
      'conclave.environment: It must be one of development, staging, production, high-load.',
    ]);
    for (const file of [
      { honua: { environment: 'qa', log_level: 'verbose' } },
      { environment: 'qa', log_level: 7 },
    ]) {
      const { problems, notes, settings } = composed({ file, flags: memory });
      expect(told(problems)).toEqual([]);
      expect(told(notes).join()).toMatch(
        /environment: It must be one of .* It is left alone\..*log_level: .* It is left alone\./,
      );
      expect(settings).toMatchObject({ environment: null, log: { level: 'info' } });
    }
  });
});

describe('secrets', () => {
  const file = {
    conclave: nested({
      'redis.connection': 'redis://app:top-secret@r',
      'server.tokens': [{ token: 'the-token-secret', scopes: ['read'] }],
      'redis.password': 'part-secret',
    }),
  };
  const { settings, origins, notes } = composed({ file });

  test('are not shown, printed, logged or listed', () => {
    const seen = [
      JSON.stringify(settings),
      inspect(settings, { depth: 9 }),
      JSON.stringify(shownSettings(settings, origins)),
      String(settings.store.connection),
      told(notes).join('\n'),
    ];
    for (const text of seen) expect(text).not.toContain('secret');
    expect(settings.store.connection?.text).toBe('redis://app:top-secret@r');
    expect(settings.server.tokens[0]?.token.text).toBe('the-token-secret');
  });

  test('of servers must be as long as servers ask for', () => {
    expect(TOKEN_LENGTH_MIN).toBe(SERVED_TOKEN_LENGTH_MIN);
  });

  test('are not repeated by what refuses them', () => {
    const wrong = {
      conclave: nested({
        'redis.connection': 'redis://:top-secret@r:port',
        'server.tokens': [{ token: 'secret', scopes: ['secret'] }],
      }),
    };
    const { problems } = composed({ file: wrong });
    expect(problems).toHaveLength(3);
    expect(told(problems).join('\n')).not.toContain('secret@');
    for (const each of told(problems)) expect(each.replaceAll('secret("…")', '')).not.toContain('secret');
  });

  test('out of a file with a line break at its end are refused, and how to take it off is told', () => {
    const broken = {
      conclave: nested({
        'redis.host': 'r',
        'redis.password': 'pass\n',
        'server.tokens': [{ token: 'token-in-file\n', scopes: ['read'] }],
      }),
    };
    const said = told(composed({ file: broken }).problems);
    expect(said).toHaveLength(2);
    for (const each of said)
      expect(each).toMatch(/(password|token): There is a line break in it\. .* trimspace\(file\("…"\)\)\.$/);
  });

  test('every setting that is shown has an origin', () => {
    for (const { setting, from } of shownSettings(settings, origins))
      expect([setting, from]).not.toEqual([setting, '']);
    expect(showOrigin(origins.get('store.connection') ?? { layer: 'default' })).toBe(
      'conclave.redis.connection',
    );
  });
});
