import type { Random } from './random.ts';
import type { RedisModel } from './redis-model.ts';
import type { Condition } from './redis-model-server.ts';
import type { StoreFault } from './simulated-store.ts';

/** What may befall Redis servers, each with times drawn in proportion to the lease. */

/** Nothing lasts longer than this many leases. */
const LEASES_MAX = 4;
/** How often a clock that steps does so by much more than any lease. */
const FAR_STEPS = 0.2;
const HOUR_MS = 3_600_000;

export function redisFaults(model: RedisModel): Readonly<Record<string, StoreFault>> {
  const { group } = model;
  const { clock, leaseMs, sometimes } = model.options;
  const lasting = (draw: Random, leases: number) =>
    Math.min(draw.exponential(leases * leaseMs), LEASES_MAX * leaseMs);
  const suffering =
    (condition: Condition): StoreFault =>
    (draw) =>
      group.primary.suffer(condition, clock.nowMs + lasting(draw, 0.5));
  const restarting =
    (empty: boolean): StoreFault =>
    (draw) => {
      if (!group.isSettled) return;
      sometimes(empty ? 'restarted-empty' : 'restarted');
      group.restart(empty);
      const backMs = clock.nowMs + lasting(draw, 0.2);
      group.primary.suffer('down', backMs);
      group.primary.suffer('loading', backMs + lasting(draw, 0.05));
      model.reconnected();
    };
  const emptying =
    (what: string): StoreFault =>
    () => {
      for (const resource of group.primary.data.keys()) model.change(resource, null);
      sometimes(what);
    };
  const mirrorGone =
    (what: string): StoreFault =>
    () => {
      for (const [resource, entry] of group.primary.data) model.change(resource, { ...entry, mirror: false });
      sometimes(what);
    };
  const single: Record<string, StoreFault> = {
    restart: restarting(false),
    'restart-empty': restarting(true),
    flush: emptying('flushed'),
    'delete-record': emptying('record-deleted'),
    'evict-any-key': emptying('record-evicted'),
    'evict-volatile-key': mirrorGone('mirror-evicted'),
    'delete-mirror': mirrorGone('mirror-deleted'),
    'clock-step-back': (draw) => stepClock(model, draw, -1),
    'clock-step-forward': (draw) => stepClock(model, draw, 1),
    'freeze-server': (draw) => {
      model.frozenUntilMs = Math.max(model.frozenUntilMs, clock.nowMs + lasting(draw, 0.5));
      sometimes('server-frozen');
    },
    loading: suffering('loading'),
    busy: suffering('busy'),
    'read-only': suffering('read-only'),
    'out-of-memory': suffering('out-of-memory'),
    'cluster-down': suffering('cluster-down'),
    'flush-scripts': () => {
      group.primary.scripted = false;
    },
  };
  return model.group.hasReplicas ? { ...single, ...failovers(model, lasting) } : single;
}

function failovers(
  { group, options: { clock, leaseMs } }: RedisModel,
  lasting: (draw: Random, leases: number) => number,
): Readonly<Record<string, StoreFault>> {
  /** Nobody fails over before a replica's silence has had it stop to count. */
  const failoverMs = (draw: Random) => group.maxLagMs * 1.2 + lasting(draw, 0.2);
  const settled =
    (fault: StoreFault): StoreFault =>
    (draw) => {
      if (group.isSettled) fault(draw);
    };
  return {
    'master-down': (draw) => group.primary.suffer('master-down', clock.nowMs + lasting(draw, 0.3)),
    failover: settled((draw) => group.crash(failoverMs(draw), lasting(draw, 0.5))),
    'failover-planned': settled((draw) => group.isolate(draw, 0, lasting(draw, 0.7))),
    'failover-split': settled((draw) => group.isolate(draw, failoverMs(draw), lasting(draw, 1.5))),
    'cut-replicas': (draw) => group.cutReplicas(lasting(draw, 0.5)),
    'slow-replicas': (draw) => group.slowReplicas(draw.exponential(leaseMs / 3)),
  };
}

/** By less than a lease, or by hours: both have happened. */
function stepClock({ group, options }: RedisModel, draw: Random, direction: 1 | -1): void {
  const { leaseMs, clock, sometimes } = options;
  const byMs = draw.chance(FAR_STEPS) ? draw.exponential(HOUR_MS) : draw.exponential(leaseMs / 2);
  sometimes(direction === 1 ? 'clock-stepped-forward' : 'clock-stepped-back');
  for (const server of group.servers) server.stepClock(direction * Math.round(byMs), clock.nowMs);
}

/** What a campaign over such servers must have met. */
export function redisFaultsReached(group: 'alone' | 'protected' | 'unprotected'): readonly string[] {
  if (group === 'alone') return ALONE_REACHED;
  const shown = group === 'protected' ? ['unacknowledged', 'no-replicas'] : ['deposed-primary-wrote'];
  return [...ALONE_REACHED, ...FAILOVERS_REACHED, ...shown];
}

const ALONE_REACHED: readonly string[] = (
  'restarted restarted-empty flushed record-deleted record-evicted freed-by-hand clock-stepped-back ' +
  'clock-stepped-forward server-frozen script-loaded answered-loading answered-busy answered-read-only ' +
  'answered-out-of-memory answered-cluster-down answered-down'
).split(' ');

const FAILOVERS_REACHED = ['failover', 'primary-isolated', 'tail-lost', 'answered-master-down'];
