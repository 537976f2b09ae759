/**
 * Every metric, in one tree: what it is called, what it says, which attributes it has. Instruments are made from it,
 * docs/metrics.md is generated from it, and tests hold alerts and dashboards to it.
 *
 * Names are without their prefix and as OpenTelemetry has them: Prometheus adds `_total` to counters. Units are in the
 * names already, where Prometheus looks for them.
 */

export interface Metric {
  readonly name: string;
  readonly kind: 'counter' | 'gauge' | 'histogram';
  /** In OpenTelemetry's spelling; empty for plain numbers. */
  readonly unit: '' | 's';
  /** Attribute → the values it can have, null where they are not known in advance. */
  readonly attributes: Readonly<Record<string, readonly string[] | null>>;
  /** Upper bounds of a histogram's buckets. */
  readonly buckets?: readonly number[];
  readonly help: string;
}

/** What is led, or which configuration it is. */
const resource = { resource: null } as const;

/** From a millisecond to five seconds: calls, stalls, stages. */
const CALL_BUCKETS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5] as const;
/** From a hand-over in milliseconds to a crash under a long lease. */
const FAILOVER_BUCKETS = [0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 40, 80] as const;
const SLACK_BUCKETS = [0.1, 0.25, 0.5, 1, 2, 3, 5, 7.5, 10, 15, 20, 30, 45, 60] as const;

/** The chart's states, outermost level. */
const ROLES = ['follower', 'candidate', 'leader', 'releasing', 'stopped'] as const;

/** The steps between them that there are; a test finds them all in the chart, and no others. */
export const TRANSITIONS = [
  ['follower', 'candidate'],
  ['follower', 'stopped'],
  ['candidate', 'follower'],
  ['candidate', 'leader'],
  ['candidate', 'releasing'],
  ['leader', 'follower'],
  ['leader', 'releasing'],
  ['releasing', 'follower'],
  ['releasing', 'stopped'],
] as const satisfies readonly (readonly [(typeof ROLES)[number], (typeof ROLES)[number]])[];

/** What each operation of a lease store can end with. */
export const STORE_OUTCOMES = {
  acquire: ['won', 'held', 'quarantined', 'stale'],
  renew: ['renewed', 'denied'],
  release: ['released', 'not_released'],
  read: ['read'],
} as const;

/** What a call of any operation can end with instead. */
const FAILED_OUTCOMES = ['failed', 'given_up'] as const;

const ELECTION = {
  isLeader: {
    name: 'leader_election_is_leader',
    kind: 'gauge',
    unit: '',
    attributes: { ...resource, mode: ['disabled'] },
    help: 'Whether this member leads, by the clocks at the moment of asking: 1 or 0. mode is "disabled" where the member leads without asking anybody, else absent.',
  },
  acquired: {
    name: 'leader_election_acquired',
    kind: 'counter',
    unit: '',
    attributes: resource,
    help: 'Terms of this member that began.',
  },
  lost: {
    name: 'leader_election_lost',
    kind: 'counter',
    unit: '',
    attributes: { ...resource, cause: ['expired', 'denied', 'released', 'transferred', 'stopped'] },
    help: 'Terms of this member that ended, by cause.',
  },
  renewalFailures: {
    name: 'leader_election_renewal_failures',
    kind: 'counter',
    unit: '',
    attributes: resource,
    help: 'Renewals that failed or were not answered in time.',
  },
  transitions: {
    name: 'leader_election_transitions',
    kind: 'counter',
    unit: '',
    attributes: { ...resource, from: ROLES, to: ROLES },
    help: 'Steps of this member from one state to another.',
  },
  timeAsLeader: {
    name: 'leader_election_time_as_leader_seconds',
    kind: 'counter',
    unit: 's',
    attributes: resource,
    help: 'Time this member has led; it advances while it leads.',
  },
  leaseSlack: {
    name: 'leader_election_lease_slack_seconds',
    kind: 'histogram',
    unit: 's',
    attributes: resource,
    buckets: SLACK_BUCKETS,
    help: 'What was left of the leadership when a renewal extended it. Values near zero precede a loss.',
  },
  storeDuration: {
    name: 'leader_election_store_duration_seconds',
    kind: 'histogram',
    unit: 's',
    attributes: {
      ...resource,
      operation: Object.keys(STORE_OUTCOMES),
      outcome: [...Object.values(STORE_OUTCOMES).flat(), ...FAILED_OUTCOMES],
    },
    buckets: CALL_BUCKETS,
    help: 'How long the lease store took for a call, by what came of it.',
  },
  failover: {
    name: 'leader_election_failover_seconds',
    kind: 'histogram',
    unit: 's',
    attributes: { ...resource, kind: ['handover', 'expiry'] },
    buckets: FAILOVER_BUCKETS,
    help: 'Told by the new leader: time from the release of the lease before it (handover), or from the last sign of life of the leader before it (expiry), until it led.',
  },
  fencingToken: {
    name: 'leader_election_fencing_token',
    kind: 'gauge',
    unit: '',
    attributes: resource,
    help: 'The largest fencing token this member knows of; its own while it leads.',
  },
} as const satisfies Record<string, Metric>;

const CONFIG = {
  lastReloadSuccessful: {
    name: 'config_last_reload_successful',
    kind: 'gauge',
    unit: '',
    attributes: resource,
    help: 'Whether the newest input is in force and well: 1 or 0.',
  },
  lastReloadSuccessTimestamp: {
    name: 'config_last_reload_success_timestamp_seconds',
    kind: 'gauge',
    unit: 's',
    attributes: resource,
    help: 'When an attempt last ended with the newest input in force, in seconds since the epoch; 0 before the first.',
  },
  reloads: {
    name: 'config_reloads',
    kind: 'counter',
    unit: '',
    attributes: {
      ...resource,
      trigger: ['file', 'dependencies', 'head', 'command', 'retry', 'last_good'],
      outcome: ['applied', 'unchanged', 'rejected', 'superseded', 'waiting_for_file'],
    },
    help: 'Attempts to reload, by what set them off and what came of them.',
  },
  reloadDuration: {
    name: 'config_reload_duration_seconds',
    kind: 'histogram',
    unit: 's',
    attributes: {
      ...resource,
      stage: [
        'reading',
        'parsing',
        'checking',
        'preparing',
        'recording',
        'committing',
        'aborting',
        'rolling_back',
      ],
    },
    buckets: CALL_BUCKETS,
    help: 'How long each stage of an attempt took.',
  },
  generation: {
    name: 'config_generation',
    kind: 'gauge',
    unit: '',
    attributes: { ...resource, kind: ['applied', 'desired', 'confirmed'] },
    help: 'Numbers of configurations: in force here, wanted by all who share it (absent until known), last one that came through its health watch; 0 for none.',
  },
  info: {
    name: 'config_info',
    kind: 'gauge',
    unit: '',
    attributes: { ...resource, sha: null, generation: null },
    help: 'Which configuration is in force: 1 for that one, 0 for one that no longer is. sha is the beginning of its hash.',
  },
  stale: {
    name: 'config_stale_seconds',
    kind: 'gauge',
    unit: 's',
    attributes: resource,
    help: 'How long ago the shared store was last asked with success; absent where nothing is shared.',
  },
  watchDegraded: {
    name: 'config_watch_degraded',
    kind: 'gauge',
    unit: '',
    attributes: { ...resource, reason: ['events', 'limits', 'pinned', 'stalled'] },
    help: 'Whether changes of the files may be noticed late or never, and why: 1 or 0.',
  },
  watchErrors: {
    name: 'config_watch_errors',
    kind: 'counter',
    unit: '',
    attributes: resource,
    help: 'Looks at the files that failed, and places that the system refused to watch.',
  },
  notificationLatency: {
    name: 'config_notification_latency_seconds',
    kind: 'histogram',
    unit: 's',
    attributes: resource,
    buckets: [...CALL_BUCKETS, 10],
    help: 'Time from when another member moved the shared configuration until this one knew, by the wall clocks of both.',
  },
  antientropyRepairs: {
    name: 'config_antientropy_repairs',
    kind: 'counter',
    unit: '',
    attributes: resource,
    help: 'Changes of the shared configuration that no notification told of and polling found.',
  },
} as const satisfies Record<string, Metric>;

const PROCESS = {
  journalRecords: {
    name: 'journal_records',
    kind: 'counter',
    unit: '',
    attributes: { journal: ['memory', 'sqlite', 'jsonl'] },
    help: 'Records handed to the journal, by its kind.',
  },
  journalFailures: {
    name: 'journal_failures',
    kind: 'counter',
    unit: '',
    attributes: { journal: ['memory', 'sqlite', 'jsonl'] },
    help: 'Times the journal began to fail.',
  },
  eventLoopDelay: {
    name: 'event_loop_delay_seconds',
    kind: 'histogram',
    unit: 's',
    attributes: {},
    buckets: CALL_BUCKETS,
    help: 'How late the event loop ran a timer that was due, sampled ten times a second.',
  },
} as const satisfies Record<string, Metric>;

/** Every metric: its name without the prefix, kind, unit, attributes and what it says. */
export const METRICS = { election: ELECTION, config: CONFIG, process: PROCESS } as const;

/** All of them, in order. */
export const ALL_METRICS: readonly Metric[] = Object.values(METRICS).flatMap((group) =>
  Object.values<Metric>(group),
);

/** What a metric is called where Prometheus reads it. */
export function exposedName({ name, kind }: Metric, prefix: string): string {
  return `${prefix}_${name}${kind === 'counter' ? '_total' : ''}`;
}
