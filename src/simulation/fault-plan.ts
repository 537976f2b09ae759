import { Random } from './random.ts';
import type { RunOptions } from './run-options.ts';

/** Faults of members and their links, by name. Those of the store come with its model. */
export const MEMBER_FAULTS = {
  freeze: 'the whole process stands still; its clocks go on',
  stall: 'the event loop stands still again and again',
  crash: 'the process dies without a word and starts anew later',
  redeploy: 'the process stops in order and starts anew',
  'rolling-restart': 'one process after the other stops in order and starts anew',
  cut: 'nothing gets through between the member and the store',
  'cut-requests': 'requests do not get through, hints do',
  'cut-replies': 'requests are executed, but no reply and no hint gets through',
  slow: 'each message takes long',
  lossy: 'many messages are lost',
  repeat: 'requests arrive a second time, some of them much later',
  deaf: 'hints do not get through',
  'wall-jump': 'the wall clock steps',
  drift: 'the clocks change their rate, within the promise',
  'disk-full': 'the journal takes no records',
  'disk-slow': 'the journal takes its time',
  resign: 'an operator has the leader resign',
  pause: 'an operator takes a member out of the running for a while',
  configure: 'the lease is changed while it runs',
} as const;

export type MemberFaultName = keyof typeof MEMBER_FAULTS;

/** One fault that a seed plans. */
export interface PlannedFault {
  /** Its number in the seed's plan, by which it can be kept or left out. */
  readonly id: number;
  readonly name: string;
  /** True milliseconds since the start. */
  readonly atMs: number;
  /** How long, where it lasts. */
  readonly forMs: number;
  /** Which member, where it is a member's: whoever leads then, or this one. */
  readonly atLeader: boolean;
  readonly member: number;
}

/** Most faults of one run; a plan that comes to more has too little time between them. */
export const PLANNED_FAULTS_MAX = 200_000;

/**
 * All faults of a run, drawn before it begins, each from a stream of its own.
 *
 * @param only Numbers of the faults to keep; default all of them.
 */
export function planFaults(options: RunOptions, only?: ReadonlySet<number>): PlannedFault[] {
  const { seed, faults, faultyMs, members } = options;
  const names = Object.keys(faults.weights);
  if (names.length === 0) return [];
  const random = new Random(seed).fork('plan');
  const times = random.fork('times');
  const plan: PlannedFault[] = [];
  let atMs = 0;
  for (let id = 0; id < PLANNED_FAULTS_MAX; id++) {
    atMs += times.exponential(faults.everyMs);
    if (atMs >= faultyMs) break;
    const draw = faultRandom(seed, id);
    plan.push({
      id,
      name: pickWeighted(draw, faults.weights),
      atMs,
      forMs: Math.min(draw.exponential(faults.meanMs), 5 * faults.meanMs),
      atLeader: draw.chance(faults.atLeader),
      member: draw.below(members.length),
    });
  }
  return only === undefined ? plan : plan.filter(({ id }) => only.has(id));
}

/** What one fault draws from, beginning with its plan. */
export function faultRandom(seed: number, id: number): Random {
  return new Random(`${seed}/fault/${id}`);
}

function pickWeighted(random: Random, weights: Readonly<Record<string, number>>): string {
  const entries = Object.entries(weights);
  let left = random.unit() * entries.reduce((sum, [, weight]) => sum + weight, 0);
  for (const [name, weight] of entries) {
    left -= weight;
    if (left < 0) return name;
  }
  return entries.at(-1)?.[0] ?? '';
}
