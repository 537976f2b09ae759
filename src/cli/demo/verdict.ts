import {
  type Belief,
  beliefsOf,
  overlapsOf,
  successionsOf,
  type Succession,
} from '../../election/beliefs.ts';
import { formatDuration } from '../duration.ts';
import { examineEvidence } from './evidence.ts';
import type { Failover } from './faults.ts';
import type { Performance } from './performance.ts';
import type { Reloading } from './reloads.ts';

/** Whether everything held, judged from the members' own journals after they have ended. */
export interface Verdict {
  readonly checks: readonly Check[];
  readonly successions: readonly Succession[];
  readonly held: boolean;
}

export interface Check {
  readonly what: string;
  readonly held: boolean;
  readonly detail: string;
}

/** A successor may begin this much later than it must wait: a follower's timer, its stagger, one call to the store. */
export const LATE_MAX_MS = 250;

/** Reads every exported journal, and judges. */
export async function judge(
  exports: string,
  { failovers, reloadings, unclean }: Performance,
): Promise<Verdict> {
  const { records, streams, findings } = await examineEvidence(exports);
  const beliefs = beliefsOf(records);
  const successions = successionsOf(beliefs);
  const checks = [
    noOverlap(beliefs, successions),
    growingTokens(beliefs),
    inTime(failovers),
    ...firstTicks(failovers),
    ...reloadsHeld(reloadings),
    {
      what: 'the journals verify and replay',
      held: findings.length === 0,
      detail: findings.join('; ') || `${records.length} records in ${streams} streams, all states reproduced`,
    },
    {
      what: 'members that were asked to stop ended in order',
      held: unclean.length === 0,
      detail: unclean.join('; ') || 'all of them',
    },
  ];
  return { checks, successions, held: checks.every(({ held }) => held) };
}

function noOverlap(beliefs: readonly Belief[], successions: readonly Succession[]): Check {
  const overlaps = overlapsOf(beliefs);
  const told = overlaps.map(
    ({ first, second, forMs }) => `${first.member} and ${second.member} for ${formatDuration(forMs)}`,
  );
  const least = successions.reduce((least_, { gapMs }) => Math.min(least_, gapMs), Infinity);
  const count = beliefs.length === 1 ? 'one term' : `${beliefs.length} terms`;
  const gap = successions.length === 0 ? '' : `, least time between two beliefs ${formatDuration(least)}`;
  return {
    what: 'never two that believed at once',
    held: overlaps.length === 0,
    detail: told.join('; ') || `${count}${gap}`,
  };
}

function growingTokens(beliefs: readonly Belief[]): Check {
  const tokens = beliefs.map(({ token }) => BigInt(token));
  const held = tokens.every((token, index) => index === 0 || token > (tokens[index - 1] ?? 0n));
  return {
    what: 'every token larger than all before',
    held,
    detail: inBrief(tokens.map(String), ' < ') || 'no term',
  };
}

function inTime(failovers: readonly Failover[]): Check {
  const count = failovers.length === 1 ? '1 failover' : `${failovers.length} failovers`;
  const late = failovers.map(({ lateMs }) => lateMs);
  const worst = late.reduce((a, b) => Math.max(a, b), -Infinity);
  return {
    what: `a successor within ${LATE_MAX_MS} ms of what was left of the lease, at once after SIGTERM`,
    held: worst <= LATE_MAX_MS,
    detail: late.length === 0 ? 'no failover' : `${count}, the latest ${formatDuration(worst)} beyond`,
  };
}

function firstTicks(failovers: readonly Failover[]): Check[] {
  const ticks = failovers.flatMap(({ firstTick }) => firstTick ?? []);
  if (ticks.length === 0) return [];
  const believed = ticks.filter(({ isLeader }) => isLeader).length;
  const still = inBrief(
    ticks.map(({ gapMs }) => formatDuration(gapMs)),
    ', ',
  );
  const detail = `${believed} of ${ticks.length} believed after standing still for ${still}`;
  return [{ what: 'isLeader false in the first tick after a freeze', held: believed === 0, detail }];
}

function reloadsHeld(reloadings: readonly Reloading[]): Check[] {
  if (reloadings.length === 0) return [];
  const worst = reloadings.reduce((most, { tookMs }) => Math.max(most, tookMs), 0);
  const wrong = reloadings.filter(({ held }) => !held).map(({ kind, detail }) => `${kind}: ${detail}`);
  return [
    {
      what: 'every configuration came into force on all members, and a broken one on none',
      held: wrong.length === 0,
      detail: wrong.join('; ') || `${reloadings.length} saved, the slowest after ${formatDuration(worst)}`,
    },
  ];
}

/** The first and the last of many. */
function inBrief(values: readonly string[], separator: string): string {
  if (values.length <= 6) return values.join(separator);
  return [...values.slice(0, 3), '…', ...values.slice(-2)].join(separator);
}
