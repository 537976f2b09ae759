import { formatDuration } from '../duration.ts';
import { print, table } from '../output.ts';
import { type Failover, FAULTS } from './faults.ts';
import type { Reloading } from './reloads.ts';
import { shortName } from './story.ts';
import type { Verdict } from './verdict.ts';

/** The end of the demo: each failover, and what held. */

export function printReport({ checks, successions }: Verdict, failovers: readonly Failover[]): void {
  print('');
  if (failovers.length > 0) {
    const heading = ['fault', 'leader', 'next', 'lease left', 'took', 'beyond', 'belief gap', 'first tick'];
    const rows = failovers.map(({ kind, from, to, token, tookMs, leaseLeftMs, lateMs, firstTick }) => {
      const gapMs = successions.find(({ after }) => BigInt(after.token) === token)?.gapMs;
      return [
        kind === 'freeze' ? 'SIGSTOP' : FAULTS[kind],
        shortName(from),
        shortName(to),
        formatDuration(leaseLeftMs),
        formatDuration(tookMs),
        kind === 'handover' ? '' : formatDuration(lateMs),
        gapMs === undefined ? '' : formatDuration(gapMs),
        firstTick === null ? '' : firstTick.isLeader ? 'LEADER' : 'not leader',
      ];
    });
    for (const line of table([heading, ...rows])) print(line);
    print('');
  }
  for (const { held, what, detail } of checks) print(`${held ? '✓' : '✗'} ${what}\n    ${detail}`);
}

export function failoverAsJson(failover: Failover): object {
  const { at: _, token, tookMs, leaseLeftMs, lateMs, firstTick, ...rest } = failover;
  return {
    ...rest,
    token: String(token),
    tookMs: round(tookMs),
    leaseLeftMs: round(leaseLeftMs),
    lateMs: round(lateMs),
    firstTick: firstTick && {
      isLeader: firstTick.isLeader,
      stoodStillMs: round(firstTick.gapMs),
      noticedBy: firstTick.noticedBy,
    },
  };
}

export function reportAsJson(
  { checks, successions, held }: Verdict,
  failovers: readonly Failover[],
  reloadings: readonly Reloading[],
): object {
  return {
    type: 'report',
    held,
    checks,
    reloads: reloadings.map(({ tookMs, ...rest }) => ({ ...rest, tookMs: round(tookMs) })),
    failovers: failovers.map((failover) => {
      const { gapMs } = successions.find(({ after }) => BigInt(after.token) === failover.token) ?? {};
      return { ...failoverAsJson(failover), overlapMs: gapMs === undefined ? null : round(-gapMs) };
    }),
  };
}

/** To microseconds; what is below is only noise of the arithmetic. */
const round = (ms: number): number => Math.round(ms * 1000) / 1000;
