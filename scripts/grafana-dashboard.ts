/**
 * Prints deploy/grafana/conclave.json, a dashboard in Grafana's classic form: `npm run generate`. Queries are held to
 * the catalogue of metrics by a test.
 */

type Kind = 'stat' | 'timeseries' | 'state-timeline' | 'table';

interface Panel {
  readonly title: string;
  readonly about: string;
  readonly kind?: Kind;
  /** Expression → legend. */
  readonly queries: Readonly<Record<string, string>>;
  readonly unit?: 's' | 'dateTimeFromNow' | 'short' | 'percentunit';
  /** In twenty-fourths of the width. */
  readonly width?: number;
}

const of = '{resource=~"$resource"}';
const elected = '{resource=~"$resource", mode!="disabled"}';
const p99 = (metric: string, by: string): string =>
  `histogram_quantile(0.99, sum by (le${by}) (rate(conclave_${metric}_bucket${of}[$__rate_interval])))`;

const LEADERSHIP: readonly Panel[] = [
  {
    title: 'Leaders',
    about: 'One for each resource; none for longer than a lease, or two, is an incident.',
    kind: 'stat',
    queries: { [`sum by (resource) (conclave_leader_election_is_leader${elected})`]: '{{resource}}' },
    width: 6,
  },
  {
    title: 'Who leads',
    about: 'Each member over time.',
    kind: 'state-timeline',
    queries: { [`conclave_leader_election_is_leader${of}`]: '{{resource}} {{instance}}' },
    width: 18,
  },
  {
    title: 'Terms begun and lost',
    about: 'In an hour; what ended them.',
    queries: {
      [`sum by (resource) (increase(conclave_leader_election_acquired_total${of}[1h]))`]:
        '{{resource}} begun',
      [`sum by (resource, cause) (increase(conclave_leader_election_lost_total${of}[1h]))`]:
        '{{resource}} {{cause}}',
    },
  },
  {
    title: 'Renewals that failed',
    about: 'A minute.',
    queries: {
      [`sum by (resource) (rate(conclave_leader_election_renewal_failures_total${of}[$__rate_interval])) * 60`]:
        '{{resource}}',
    },
  },
  {
    title: 'Left of the lease at each renewal',
    about: 'The worst hundredth and the median. Near zero, leadership is about to be lost.',
    queries: {
      [`histogram_quantile(0.01, sum by (le, resource) (rate(conclave_leader_election_lease_slack_seconds_bucket${of}[$__rate_interval])))`]:
        '{{resource}} p1',
      [`histogram_quantile(0.5, sum by (le, resource) (rate(conclave_leader_election_lease_slack_seconds_bucket${of}[$__rate_interval])))`]:
        '{{resource}} p50',
    },
    unit: 's',
  },
  {
    title: 'Calls of the store, p99',
    about: 'By operation.',
    queries: { [p99('leader_election_store_duration_seconds', ', operation')]: '{{operation}}' },
    unit: 's',
  },
  {
    title: 'Calls of the store that failed',
    about: 'A minute, by operation.',
    queries: {
      [`sum by (operation, outcome) (rate(conclave_leader_election_store_duration_seconds_count{resource=~"$resource", outcome=~"failed|given_up"}[$__rate_interval])) * 60`]:
        '{{operation}} {{outcome}}',
    },
  },
  {
    title: 'Time without a leader, as the next leader tells it',
    about: 'Mean over the last hour: hand-overs take milliseconds, expiries a lease.',
    queries: {
      [`sum by (resource, kind) (rate(conclave_leader_election_failover_seconds_sum${of}[1h])) / sum by (resource, kind) (rate(conclave_leader_election_failover_seconds_count${of}[1h]))`]:
        '{{resource}} {{kind}}',
    },
    unit: 's',
  },
  {
    title: 'Share of the time somebody led',
    about: 'Over the last hour, all members together.',
    queries: {
      [`sum by (resource) (rate(conclave_leader_election_time_as_leader_seconds_total${of}[1h]))`]:
        '{{resource}}',
    },
    unit: 'percentunit',
  },
  {
    title: 'Steps from state to state',
    about: 'A minute.',
    queries: {
      [`sum by (from, to) (rate(conclave_leader_election_transitions_total${of}[$__rate_interval])) * 60`]:
        '{{from}} → {{to}}',
    },
  },
  {
    title: 'Fencing token',
    about: 'Grows with each term and never shrinks.',
    queries: { [`max by (resource) (conclave_leader_election_fencing_token${of})`]: '{{resource}}' },
  },
];

const CONFIGURATION: readonly Panel[] = [
  {
    title: 'Newest configuration in force',
    about: '0: a member cannot use it and goes on with the last good one.',
    kind: 'stat',
    queries: { [`min by (resource) (conclave_config_last_reload_successful${of})`]: '{{resource}}' },
    width: 6,
  },
  {
    title: 'Configurations in force',
    about: 'More than one for longer than a rollout is drift.',
    kind: 'table',
    queries: {
      [`count by (resource, sha, generation) (conclave_config_info${of} == 1)`]: '{{resource}} {{sha}}',
    },
    width: 12,
  },
  {
    title: 'Last success',
    about: 'The member that has waited longest.',
    kind: 'stat',
    queries: {
      [`min by (resource) (conclave_config_last_reload_success_timestamp_seconds${of}) * 1000`]:
        '{{resource}}',
    },
    unit: 'dateTimeFromNow',
    width: 6,
  },
  {
    title: 'Attempts to reload',
    about: 'In an hour, by what came of them.',
    queries: {
      [`sum by (trigger, outcome) (increase(conclave_config_reloads_total${of}[1h])) > 0`]:
        '{{trigger}}: {{outcome}}',
    },
  },
  {
    title: 'Stages of a reload, p99',
    about: 'How long each took.',
    queries: { [p99('config_reload_duration_seconds', ', stage')]: '{{stage}}' },
    unit: 's',
  },
  {
    title: 'Generations',
    about: 'Wanted by all, and in force on the member that is furthest behind.',
    queries: {
      [`max by (resource) (conclave_config_generation{resource=~"$resource", kind="desired"})`]:
        '{{resource}} desired',
      [`min by (resource) (conclave_config_generation{resource=~"$resource", kind="applied"})`]:
        '{{resource}} applied',
    },
  },
  {
    title: 'Age of the word of the store',
    about: 'The member that has gone longest without it.',
    queries: { [`max by (resource) (conclave_config_stale_seconds${of})`]: '{{resource}}' },
    unit: 's',
  },
  {
    title: 'From a move to knowing of it, p99',
    about: 'By the wall clocks of both members.',
    queries: { [p99('config_notification_latency_seconds', ', resource')]: '{{resource}}' },
    unit: 's',
  },
  {
    title: 'Notifications that were lost',
    about: 'Changes that only polling found, in an hour.',
    queries: {
      [`sum by (resource) (increase(conclave_config_antientropy_repairs_total${of}[1h]))`]: '{{resource}}',
    },
  },
  {
    title: 'Watching',
    about: 'Degraded, by reason; and errors in an hour.',
    queries: {
      [`max by (instance, reason) (conclave_config_watch_degraded${of}) > 0`]: '{{instance}} {{reason}}',
      [`sum by (instance) (increase(conclave_config_watch_errors_total${of}[1h])) > 0`]:
        '{{instance}} errors',
    },
  },
];

const PROCESS: readonly Panel[] = [
  {
    title: 'Records',
    about: 'A second, all members together.',
    queries: { 'sum by (journal) (rate(conclave_journal_records_total[$__rate_interval]))': '{{journal}}' },
  },
  {
    title: 'Journals that began to fail',
    about: 'In an hour.',
    queries: { 'sum by (instance) (increase(conclave_journal_failures_total[1h])) > 0': '{{instance}}' },
  },
  {
    title: 'Delay of the event loop, p99',
    about: 'A stall as long as what is left of a lease ends leadership.',
    queries: {
      'histogram_quantile(0.99, sum by (le, instance) (rate(conclave_event_loop_delay_seconds_bucket[$__rate_interval])))':
        '{{instance}}',
    },
    unit: 's',
  },
];

const ROWS = { Leadership: LEADERSHIP, Configuration: CONFIGURATION, Process: PROCESS } as const;

const WIDTH = 24;
const HEIGHT = 8;
const source = { type: 'prometheus', uid: '${datasource}' } as const;

function panelOf(panel: Panel, id: number, at: { readonly x: number; readonly y: number }) {
  const { title, about, kind = 'timeseries', queries, unit = 'short', width = 8 } = panel;
  return {
    id,
    type: kind,
    title,
    description: about,
    datasource: source,
    gridPos: { ...at, w: width, h: HEIGHT },
    fieldConfig: { defaults: { unit, min: kind === 'timeseries' ? 0 : null }, overrides: [] },
    targets: Object.entries(queries).map(([expr, legendFormat], index) => ({
      refId: String.fromCodePoint(65 + index),
      datasource: source,
      expr,
      legendFormat,
      ...(kind === 'table' && { instant: true, format: 'table' }),
    })),
  };
}

function panels(): object[] {
  const made: object[] = [];
  let y = 0;
  for (const [title, row] of Object.entries(ROWS)) {
    made.push({
      id: made.length + 1,
      type: 'row',
      title,
      collapsed: false,
      gridPos: { x: 0, y, w: WIDTH, h: 1 },
      panels: [],
    });
    y += 1;
    let x = 0;
    for (const panel of row) {
      const { width = 8 } = panel;
      if (x + width > WIDTH) [x, y] = [0, y + HEIGHT];
      made.push(panelOf(panel, made.length + 1, { x, y }));
      x += width;
    }
    y += HEIGHT;
  }
  return made;
}

/** The dashboard as it must be. */
export function grafanaDashboard(): string {
  const resources = 'label_values(conclave_leader_election_is_leader, resource)';
  const dashboard = {
    __comment: 'Made from scripts/grafana-dashboard.ts by `npm run generate`. Do not edit.',
    uid: 'conclave',
    title: 'Conclave',
    tags: ['conclave', 'leader election', 'configuration'],
    schemaVersion: 39,
    editable: true,
    time: { from: 'now-6h', to: 'now' },
    refresh: '30s',
    templating: {
      list: [
        { name: 'datasource', type: 'datasource', query: 'prometheus', label: 'Data source' },
        {
          name: 'resource',
          type: 'query',
          label: 'Resource',
          datasource: source,
          query: { query: resources, refId: 'resource' },
          definition: resources,
          refresh: 2,
          includeAll: true,
          multi: true,
          allValue: '.*',
          current: { text: 'All', value: '$__all' },
        },
      ],
    },
    panels: panels(),
  };
  return `${JSON.stringify(dashboard, null, 2)}\n`;
}
