/** Three members as a real Prometheus sees them, through a crash and a hand-over. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { provide } from '../debian-package.ts';
import { read, temporaryDirectory } from '../project/repository.ts';
import { until } from '../redis/until.ts';
import { Running } from './conclave-program.ts';
import { PrometheusServer } from './prometheus-server.ts';

const SCRAPE_MS = 500;
const LEASE = '6s';
const LEADERS = 'sum by (resource) (conclave_leader_election_is_leader{mode!="disabled"})';
const PATIENCE = { withinMs: 120_000, everyMs: 200 };

interface Up {
  readonly http: { readonly metrics: string };
}

const now = (): number => Date.now() / 1000;

describe('three members and a Prometheus', () => {
  beforeAll(() => {
    expect(provide(['prometheus', 'promtool'], 'prometheus')).toBeNull();
  });

  test('is_leader sums to one through a crash and a hand-over, rules are loaded, healthy members alert nobody', async () => {
    using place = temporaryDirectory();
    const file = join(place.path, 'app.yaml');
    writeFileSync(file, 'port: 1\n');
    await using stack = new AsyncDisposableStack();
    const start = async (id: string) => {
      const election = [
        '--resource',
        'billing',
        '--lease',
        LEASE,
        '--id',
        id,
        '--dir',
        join(place.path, 'state'),
      ];
      const ports = ['--port', '0', '--metrics-port', '0', '--configuration', file];
      const running = stack.use(new Running(['up', '--json', ...election, ...ports], { cwd: place.path }));
      const [line] = await running.says(/^\{"type":"up".*\}$/m);
      const { http } = JSON.parse(line) as Up;
      return { running, instance: new URL(http.metrics).host };
    };
    const members = [await start('a'), await start('b'), await start('c')];
    const prometheus = stack.use(
      await PrometheusServer.start(
        members.map(({ instance }) => instance),
        SCRAPE_MS,
      ),
    );
    const leaderNow = async () => {
      const found = await prometheus.query('conclave_leader_election_is_leader == 1');
      return members.find(({ instance }) => found.length === 1 && found[0]?.metric['instance'] === instance);
    };
    const someoneLeads = () => until('one member is seen to lead', leaderNow, PATIENCE);

    const first = await someoneLeads();
    const whole = 'count by (resource) (conclave_config_last_reload_successful == 1)';
    await until(
      'all run the configuration, under the name of what is led',
      async () => {
        const [found] = await prometheus.query(whole);
        return found?.metric['resource'] === 'billing' && found.values[0]?.[1] === 3;
      },
      PATIENCE,
    );
    await until(
      'all are scraped',
      async () => (await prometheus.query('sum(up) == 3')).length === 1,
      PATIENCE,
    );
    const shipped = [...read('deploy/prometheus/alerts.yaml').matchAll(/- alert: (\w+)/g)].map(
      ([, name]) => name,
    );
    // Before the first scrape nobody is there, which is what one of them waits for.
    await until(
      'all rules are loaded and see nothing',
      async () => {
        const rules = await prometheus.rules();
        expect(new Set(rules.map(({ name }) => name))).toEqual(new Set(shipped));
        return rules.every(({ health, state }) => health === 'ok' && state === 'inactive');
      },
      PATIENCE,
    );

    // A crash: nobody leads until the lease has run out, then another does, and at no scrape two.
    const from = now();
    first.running.kill('SIGKILL');
    await first.running.ended;
    const second = await until(
      'another leads',
      async () => {
        const leader = await leaderNow();
        return leader !== first && leader;
      },
      PATIENCE,
    );
    const crash = await prometheus.range(LEADERS, from, now(), SCRAPE_MS / 1000);
    expect(crash.map(({ metric }) => metric)).toEqual([{ resource: 'billing' }]);
    expect(Math.max(...(crash[0]?.values ?? []).map(([, value]) => value))).toBe(1);
    expect((await prometheus.query(LEADERS))[0]?.values[0]?.[1]).toBe(1);
    const failover = await until(
      'the failover is told',
      async () => {
        const found = await prometheus.query('conclave_leader_election_failover_seconds_sum{kind="expiry"}');
        return found[0]?.values[0]?.[1];
      },
      PATIENCE,
    );
    expect(failover).toBeGreaterThan(3);

    // A hand-over: within two scrapes of it one leads again; alerts outlast that.
    second.running.kill('SIGTERM');
    expect((await second.running.ended).code).toBe(0);
    await until(
      'the third leads',
      async () => {
        const leader = await leaderNow();
        return leader !== first && leader !== second && leader;
      },
      PATIENCE,
    );
    const after = await prometheus.rules();
    expect(after.filter(({ state }) => state === 'firing')).toEqual([]);
    expect(after.find(({ name }) => name === 'ConclaveMultipleLeaders')?.state).toBe('inactive');

    // Everything that the dashboard asks, Prometheus understands, and most of it has an answer already.
    const answered: number[] = [];
    for (const [, expr = ''] of read('deploy/grafana/conclave.json').matchAll(
      /"expr": ("(?:[^"\\]|\\.)*")/g,
    )) {
      const query = (JSON.parse(expr) as string)
        .replaceAll('$resource', '.*')
        .replaceAll('$__rate_interval', '1m')
        .replaceAll('[1h]', '[1m]');
      answered.push((await prometheus.query(query)).length);
    }
    expect(answered.length).toBeGreaterThan(20);
    expect(answered.filter((count) => count > 0).length).toBeGreaterThan(answered.length / 2);
  });
});
