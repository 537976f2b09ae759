import { blocks, type Catalogue, controller, older } from './catalogue-entry.ts';
import { BOOLEAN, COUNT, DURATION, NAME, SECONDS, TEXT } from './setting-kinds.ts';

const HA = 'high_availability';
const LE = `${HA}.leader_election`;
const CONTROLLER = 'controller.leader_election';

/** Who leads, and for how long. */
export const electionEntries = {
  enabled: {
    setting: 'leaderElection.enabled',
    about:
      'Whether members compete. False: this member is the only one, and leads at once and always; several such members would all lead.',
    default: 'as `high_availability.enabled`, else true',
    reload: 'restart',
    names: [
      blocks(`${LE}.enabled`, BOOLEAN),
      older('LeaderElection.Enabled', BOOLEAN),
      controller(`${CONTROLLER}.enabled`, BOOLEAN),
    ],
    flag: {
      name: 'election',
      kind: BOOLEAN,
      negated: true,
      about: 'lead alone and always: for a single replica only',
    },
  },
  resourceName: {
    setting: 'leaderElection.resourceName',
    about: 'What is led: members with the same name in the same store compete.',
    default: 'the name in the nearest package.json, else `default`',
    reload: 'restart',
    names: [
      blocks(`${LE}.resource_name`, NAME),
      older('LeaderElection.ResourceName', NAME),
      controller(`${CONTROLLER}.lease_name`, NAME),
    ],
    flag: {
      name: 'resource',
      kind: NAME,
      value: 'name',
      about: 'what is led (default: the package name, else "default")',
    },
  },
  keyPrefix: {
    setting: 'leaderElection.keyPrefix',
    about:
      'Put before the name of the resource; both are its key in Redis. `cache.prefix` is never put before it.',
    default: '`conclave:leader:`',
    reload: 'restart',
    names: [blocks(`${LE}.key_prefix`, TEXT), older('LeaderElection.KeyPrefix', TEXT)],
    flag: {
      name: 'key-prefix',
      kind: TEXT,
      value: 'text',
      about: 'before the name of the resource in Redis',
    },
  },
  lockKey: {
    setting: 'leaderElection.lockKey',
    about: 'The whole key in Redis, instead of prefix and name.',
    default: 'prefix and name',
    reload: 'restart',
    names: [blocks(`${LE}.lock_key`, TEXT), older('LeaderElection.LockKey', TEXT)],
    flag: { name: 'lock-key', kind: TEXT, value: 'key', about: 'the whole key in Redis' },
  },
  instanceId: {
    setting: 'leaderElection.instanceId',
    about: 'What people call this member. Each start of a process makes an id of its own of it.',
    default: 'the name of the host',
    reload: 'restart',
    names: [blocks(`${LE}.instance_id`, NAME), older('LeaderElection.InstanceId', NAME)],
    flag: {
      name: 'id',
      kind: NAME,
      value: 'name',
      about: 'what people call this member (default: $POD_NAME, else the host name)',
    },
    variables: ['POD_NAME'],
  },
  podNamespace: {
    setting: 'leaderElection.podNamespace',
    about: 'The Kubernetes namespace of this member, for people; no key depends on it.',
    default: 'unknown',
    reload: 'restart',
    names: [],
    variables: ['POD_NAMESPACE'],
  },
  leaseDurationMs: {
    setting: 'leaderElection.leaseDurationMs',
    about: 'How long a term lasts without a renewal: so long nobody else takes over from a leader that died.',
    default: "the preset's, else 15 s",
    reload: 'live',
    names: [
      blocks(`${LE}.lease_duration_seconds`, SECONDS),
      older('LeaderElection.LeaseDurationSeconds', SECONDS),
      controller(`${CONTROLLER}.lease_duration`, DURATION),
    ],
    flag: {
      name: 'lease',
      kind: DURATION,
      value: 'duration',
      about: 'how long a term lasts without a renewal (default: 15s)',
    },
  },
  renewIntervalMs: {
    setting: 'leaderElection.renewIntervalMs',
    about: 'How often the leader renews.',
    default: "the preset's if the lease is, else a third of the lease",
    reload: 'live',
    names: [
      blocks(`${LE}.renewal_interval_seconds`, SECONDS),
      blocks(`${LE}.renew_interval_seconds`, SECONDS),
      older('LeaderElection.RenewalIntervalSeconds', SECONDS),
      older('LeaderElection.RenewIntervalSeconds', SECONDS),
      controller(`${CONTROLLER}.retry_period`, DURATION),
    ],
    flag: {
      name: 'renew',
      kind: DURATION,
      value: 'duration',
      about: 'how often it is renewed (default: a third of it)',
    },
  },
  renewDeadlineMs: {
    setting: 'leaderElection.renewDeadlineMs',
    about: 'How long after its last renewal a leader may go on at most.',
    default: 'as long as the lease allows',
    reload: 'live',
    names: [
      blocks(`${LE}.renew_deadline_seconds`, SECONDS),
      older('LeaderElection.RenewDeadlineSeconds', SECONDS),
      controller(`${CONTROLLER}.renew_deadline`, DURATION),
    ],
    flag: {
      name: 'renew-deadline',
      kind: DURATION,
      value: 'duration',
      about: 'how long a leader may go on without a renewal at most (default: as the lease allows)',
    },
  },
  retryIntervalMs: {
    setting: 'leaderElection.retryIntervalMs',
    about: 'First wait after a request that failed; it grows up to a third of the lease, and 5 s at most.',
    default: 'a fiftieth of the lease, between 20 ms and 1 s',
    reload: 'live',
    names: [blocks(`${LE}.retry_interval_seconds`, SECONDS)],
    flag: {
      name: 'retry',
      kind: DURATION,
      value: 'duration',
      about: 'first wait after a failed request (default: a fiftieth of the lease)',
    },
  },
  gracePeriodMs: {
    setting: 'leaderElection.gracePeriodMs',
    about:
      'Extra wait of the others after a lease expired, so that a leader that was briefly cut off may come back. Never after a release.',
    default: '0',
    reload: 'live',
    names: [
      blocks(`${LE}.grace_period_seconds`, SECONDS),
      older('LeaderElection.GracePeriodSeconds', SECONDS),
    ],
    flag: {
      name: 'grace',
      kind: DURATION,
      value: 'duration',
      about: "the others' extra wait after an expiry (default: 0s)",
    },
  },
  paused: {
    setting: 'leaderElection.paused',
    about: 'Start without being a candidate, until it is resumed.',
    default: 'false',
    reload: 'restart',
    names: [blocks(`${LE}.paused`, BOOLEAN)],
    flag: { name: 'paused', kind: BOOLEAN, about: 'start without being a candidate' },
  },
  detailedLogging: {
    setting: 'log.detailed',
    about: 'Log renewals and waits, too; the same as the log level `debug`.',
    default: "the preset's, else false",
    reload: 'live',
    names: [
      blocks(`${LE}.enable_detailed_logging`, BOOLEAN),
      older('LeaderElection.EnableDetailedLogging', BOOLEAN),
      blocks(`${HA}.enable_detailed_logging`, BOOLEAN),
      older('HighAvailability.EnableDetailedLogging', BOOLEAN),
    ],
    alternatives: true,
    flag: { name: 'verbose', short: 'v', kind: BOOLEAN, about: 'log renewals and waits, too' },
  },
  waitReplicas: {
    setting: 'store.waitReplicas',
    about: 'How many replicas of a Redis must have confirmed a grant and each renewal before it counts.',
    default: '0',
    reload: 'restart',
    names: [blocks('redis.wait_replicas', COUNT)],
    flag: {
      name: 'wait-replicas',
      kind: COUNT,
      value: 'n',
      about: 'how many replicas of a Redis must confirm a lease (default: 0)',
    },
  },
} satisfies Partial<Catalogue>;
