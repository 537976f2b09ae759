import type { Cluster } from './cluster.ts';
import type { Host } from './host.ts';
import type { Judge } from './judge.ts';
import type { Random } from './random.ts';
import type { Invariant } from './violation.ts';

/** Something that has to come true within a time. */
export interface Goal {
  readonly invariant: Invariant;
  readonly what: string;
  readonly withinMs: number;
  readonly reached: () => boolean;
}

/**
 * What happens when faults are over, and what has to come of it: one leader; a lease that is released is taken over;
 * each member that is well leads if the others are taken out of the running; whoever is stopped stops.
 */
export function* recovery(cluster: Cluster, judge: Judge, random: Random): Generator<Goal, void, void> {
  const well = cluster.heal(random.fork('heal'));
  const { boundMs } = cluster;
  const names = well.map(({ name }) => name).join(', ');
  const leads = (host: Host) => host.member !== null && host.member === judge.leader;
  yield {
    invariant: 'recovers',
    what: `one of ${names} leads`,
    withinMs: boundMs,
    reached: () => well.some(leads),
  };
  // Waits that began before go on: after a loss of data, after a resignation, because the journal failed.
  const settledAtMs = cluster.nowMs + boundMs / 2;
  yield {
    invariant: 'recovers',
    what: `the others of ${names} watch the leader`,
    withinMs: boundMs,
    reached: () =>
      cluster.nowMs >= settledAtMs &&
      well.some(leads) &&
      well.every((host) => leads(host) || isWatching(host)),
  };
  const first = judge.leader;
  if (well.length > 1 && first !== null) {
    const token = first.election.term?.token ?? 0n;
    void first.election.resign();
    yield {
      invariant: 'taken-over',
      // It sits out until another leads, at most one lease; who heard of no release may come later than that.
      what: `after ${first.name} resigned, one of ${names} leads anew`,
      withinMs: cluster.handoverMs ?? boundMs,
      reached: () => (judge.leader?.election.term?.token ?? 0n) > token,
    };
  }
  const chosen = random.fork('chosen').pick(well);
  for (const host of well) {
    if (host === chosen) continue;
    host.member?.election.pause();
    void host.member?.election.resign();
  }
  yield {
    invariant: 'nobody-starves',
    what: `${chosen.name} leads when ${names} but itself are taken out of the running`,
    withinMs: boundMs,
    reached: () => leads(chosen),
  };
  const members = well.flatMap(({ member }) => member ?? []);
  for (const { host } of members) host.stop();
  yield {
    invariant: 'stops-in-time',
    what: `${names} stop`,
    withinMs: boundMs,
    reached: () => members.every(({ stopped }) => stopped),
  };
}

function isWatching({ member }: Host): boolean {
  if (member === null || member.stopping !== null) return false;
  return member.election.actor.getSnapshot().matches({ follower: 'watching' });
}
