/** Alerts and dashboard: they do what they say, and ask for nothing that is not exposed. */
import { join } from 'node:path';
import { beforeAll, describe, expect, test } from 'vitest';
import { parse } from 'yaml';
import { grafanaDashboard } from '../../scripts/grafana-dashboard.ts';
import { provide } from '../debian-package.ts';
import { isExposed, strangersIn } from './promql.ts';
import { projectFiles, read, root, run } from './repository.ts';

interface Rule {
  readonly alert: string;
  readonly expr: string;
  readonly annotations: { readonly runbook_url: string };
}

interface Dashboard {
  readonly panels: readonly {
    readonly title: string;
    readonly targets?: readonly { readonly expr: string; readonly datasource: { readonly uid: string } }[];
  }[];
  readonly templating: { readonly list: readonly { readonly name: string; readonly type: string }[] };
}

const { groups } = parse(read('deploy/prometheus/alerts.yaml')) as { groups: { rules: Rule[] }[] };
const rules = groups.flatMap((group) => group.rules);
const dashboard = JSON.parse(read('deploy/grafana/conclave.json')) as Dashboard;
const queries = dashboard.panels.flatMap(({ targets = [] }) => targets);

/** As the pages that show Markdown make them. */
const anchorOf = (heading: string): string =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\s-]/g, '')
    .replaceAll(' ', '-');

describe('alerts', () => {
  const promtool = (...args: string[]) => run('promtool', args, join(root, 'deploy', 'prometheus'));
  beforeAll(() => {
    expect(provide(['promtool'], 'prometheus')).toBeNull();
  });

  test('are well-formed, and their own tests pass under promtool', async () => {
    const checked = await promtool('check', 'rules', 'alerts.yaml');
    expect(checked, checked.stderr).toMatchObject({ code: 0 });
    const tested = await promtool('test', 'rules', 'alerts.test.yaml');
    expect(tested, tested.stdout + tested.stderr).toMatchObject({ code: 0 });
  });

  test.for(rules)('$alert asks for what is exposed only', ({ expr }) => {
    expect(strangersIn(expr)).toEqual([]);
  });

  test.for(rules)(
    '$alert has a case in which it fires, and leads to its runbook',
    ({ alert, annotations }) => {
      const cases = read('deploy/prometheus/alerts.test.yaml');
      const fires = new RegExp(
        `alertname: ${alert}\\n\\s+eval_time: \\S+\\n\\s+exp_alerts:\\n\\s+- exp_labels`,
      );
      expect(cases).toMatch(fires);
      const [page = '', anchor = ''] = annotations.runbook_url.split('#');
      const anchors = [...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) => anchorOf(heading));
      expect(anchors).toContain(anchor);
    },
  );
});

describe('the dashboard', () => {
  test('is what scripts/grafana-dashboard.ts makes', () => {
    expect(read('deploy/grafana/conclave.json')).toBe(grafanaDashboard());
  });

  test('asks for what is exposed only, from the source that is chosen', () => {
    expect(queries.length).toBeGreaterThan(20);
    expect(queries.flatMap(({ expr }) => strangersIn(expr))).toEqual([]);
    expect(new Set(queries.map(({ datasource }) => datasource.uid))).toEqual(new Set(['${datasource}']));
    expect(dashboard.templating.list).toContainEqual(
      expect.objectContaining({ name: 'datasource', type: 'datasource' }),
    );
  });
});

describe('the documentation', () => {
  const pages = projectFiles().filter((path) => path.endsWith('.md'));

  test('names no metric that is not exposed', () => {
    const strangers = pages.flatMap((page) =>
      [...read(page).matchAll(/\bconclave_(?:leader|config|journal|event)_[a-z_]+[a-z]/g)].flatMap(
        ([name]) => (isExposed(name) ? [] : [`${page}: ${name}`]),
      ),
    );
    expect(strangers).toEqual([]);
  });
});

describe('a query that names something that is not exposed is found', () => {
  test.for([
    ['sum(conclave_leader_election_is_leadr) == 0', 'no such metric'],
    ['conclave_leader_election_acquired', 'no such metric'],
    ['honua_leader_election_is_leader', 'no such metric'],
    ['rate(conclave_leader_election_failover_seconds[5m])', 'no such metric'],
    ['conclave_leader_election_lost_total{reason="expired"}', 'no label reason'],
    ['conclave_leader_election_lost_total{cause=~"expired|evicted"}', 'never "evicted"'],
    ['sum by (pod) (conclave_leader_election_is_leader)', 'no label pod'],
    ['vector(0)', 'names no metric'],
  ] as const)('%s', ([expression, complaint]) => {
    expect(strangersIn(expression).join()).toContain(complaint);
  });
});
