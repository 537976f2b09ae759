import { systemClock } from '../../runtime/system-clock.ts';
import type { Cluster, Leading } from './cluster.ts';
import type { MemberProcess } from './member-process.ts';
import type { WakeReport } from '../supervision.ts';

/** What is done to a leader, and what comes of it. */

export const FAULTS = {
  kill: 'kill -9',
  freeze: 'SIGSTOP, two leases, SIGCONT',
  handover: 'SIGTERM',
} as const;

export type FaultKind = keyof typeof FAULTS;

export interface Failover {
  readonly kind: FaultKind;
  /** Holder ids. */
  readonly from: string;
  readonly to: string;
  readonly token: bigint;
  /** Monotonic milliseconds of the fault. */
  readonly at: number;
  /** From the fault until the successor's term began. */
  readonly tookMs: number;
  /** What was left of the lease in the store at the fault: nobody else may lead before. */
  readonly leaseLeftMs: number;
  /** How long the successor took beyond what it had to wait; after a hand-over it has to wait for nothing. */
  readonly lateMs: number;
  /** After a freeze: what the old leader said in its first tick. */
  readonly firstTick: WakeReport | null;
  /** After a hand-over: the exit code of the old leader. */
  readonly exitCode: number | null;
}

/** Longer than any lease, its grace and a slow machine together. */
const patienceMs = (cluster: Cluster): number => 4 * cluster.options.leaseMs + 30_000;

/** Does one thing to the present leader, waits for what comes of it, and puts the cluster back in order. */
export async function inflict(cluster: Cluster, kind: FaultKind): Promise<Failover> {
  const leading = await cluster.settled(patienceMs(cluster));
  switch (kind) {
    case 'kill':
      return kill(cluster, leading);
    case 'freeze':
      return freeze(cluster, leading);
    case 'handover':
      return handOver(cluster, leading);
  }
}

async function kill(cluster: Cluster, leading: Leading): Promise<Failover> {
  const { member } = leading;
  const before = await leaseEndOf(cluster, leading);
  const at = systemClock.monotonicMs();
  member.kill();
  const leaseLeftMs = ((await leaseEndOf(cluster, leading)) ?? before ?? at) - at;
  const next = await cluster.successorOf(leading, patienceMs(cluster));
  await member.exited;
  cluster.run(member.name);
  return costOf('kill', leading, next, { at, leaseLeftMs });
}

/** A freeze that hits the middle of a write to the store is another fault, and undone: it keeps everybody out. */
const FREEZES_MAX = 20;

async function freeze(cluster: Cluster, leading: Leading, attempt = 1): Promise<Failover> {
  const { member } = leading;
  const before = await leaseEndOf(cluster, leading);
  const at = systemClock.monotonicMs();
  member.freeze();
  if (attempt < FREEZES_MAX && !(await cluster.isWritable())) {
    member.thaw();
    return freeze(cluster, await cluster.settled(patienceMs(cluster)), attempt + 1);
  }
  const leaseLeftMs = ((await leaseEndOf(cluster, leading)) ?? before ?? at) - at;
  const next = await cluster.successorOf(leading, patienceMs(cluster));
  // How long it stands still is the fault itself, not a guess at how long something takes.
  const stillMs = 2 * cluster.options.leaseMs - (systemClock.monotonicMs() - at);
  await new Promise<void>((resolve) => systemClock.setTimeout(resolve, Math.max(0, stillMs)));
  const firstTick = await firstTickOf(cluster, member, at);
  return costOf('freeze', leading, next, { at, leaseLeftMs, firstTick });
}

async function handOver(cluster: Cluster, leading: Leading): Promise<Failover> {
  const { member } = leading;
  const lease = await cluster.lease();
  const at = systemClock.monotonicMs();
  member.terminate();
  const next = await cluster.successorOf(leading, patienceMs(cluster));
  const { code } = await member.exited;
  cluster.run(member.name);
  return costOf('handover', leading, next, { at, leaseLeftMs: lease?.remainingMs ?? 0, exitCode: code });
}

/**
 * Monotonic milliseconds at which the lease of a leader ends, or a moment earlier; null if another has it already.
 * To be read after a fault, when the old leader changes nothing any more; a machine may be so busy that the next one
 * leads by then, and only what was read before is left.
 */
export async function leaseEndOf(cluster: Cluster, { token }: Leading): Promise<number | null> {
  const askedAt = systemClock.monotonicMs();
  const lease = await cluster.lease();
  return lease?.token === token ? askedAt + lease.remainingMs : null;
}

function firstTickOf(cluster: Cluster, member: MemberProcess, frozenAt: number): Promise<WakeReport> {
  const thawedAt = systemClock.monotonicMs();
  const woken = cluster.until('the thawed member says what it believes', patienceMs(cluster), (event) => {
    if (event === null || event.member !== member || !('report' in event)) return null;
    const { report } = event;
    if (report.type !== 'woke' || report.mono < thawedAt) return null;
    return report.mono - report.gapMs < frozenAt + cluster.options.leaseMs ? report : null;
  });
  member.thaw();
  return woken;
}

/** What a change of leaders took, and of that what nobody had to wait for. */
export function costOf(
  kind: FaultKind,
  from: Leading,
  to: Leading,
  seen: { at: number; leaseLeftMs: number; firstTick?: WakeReport; exitCode?: number | null },
): Failover {
  const { at, leaseLeftMs, firstTick = null, exitCode = null } = seen;
  const tookMs = to.since - at;
  const lateMs = kind === 'handover' ? tookMs : tookMs - leaseLeftMs;
  return {
    kind,
    from: from.id,
    to: to.id,
    token: to.token,
    at,
    tookMs,
    leaseLeftMs,
    lateMs,
    firstTick,
    exitCode,
  };
}
