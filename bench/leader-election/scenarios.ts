/** What is done to each contestant, and what is measured. Times in milliseconds. */
import { spawn } from 'node:child_process';
import { setTimeout as wait } from 'node:timers/promises';
import { guardProcess } from '../../test/redis/guard.ts';
import type { ContestantName } from './contestants.ts';
import { Group, type Member, overlapMs } from './group.ts';
import { monotonicMs } from './member.ts';

export interface Conditions {
  readonly leaseMs: number;
  readonly handovers: number;
  readonly crashes: number;
  /** How many times each of the other faults is tried, all at once. */
  readonly trials: number;
  /** How long an outage lasts, and is watched. */
  readonly outageMs: number;
  readonly idleMs: number;
}

/** Never: it had not happened when the outage, so many milliseconds long, ended. */
export interface Outage {
  readonly successorMs: number | null;
  readonly stoppedMs: number | null;
  readonly overlapMs: number;
}

/** So that a fault meets those that poll at any moment of their wait. */
const anyPhase = (upToMs: number) => wait(Math.random() * upToMs);

/** From the order to stop until another leads. */
export async function handovers(
  name: ContestantName,
  { leaseMs, handovers: times }: Conditions,
): Promise<number[]> {
  await using group = await Group.start(name, leaseMs);
  const took: number[] = [];
  while (took.length < times) {
    const { member } = await group.settled();
    await anyPhase(1200);
    const mono = monotonicMs();
    const next = group.next(member, mono);
    await group.end(member, 'in order');
    took.push((await next).from - mono);
  }
  return took;
}

/** From kill -9 until another leads. */
export async function crashes(
  name: ContestantName,
  { leaseMs, crashes: times }: Conditions,
): Promise<number[]> {
  await using group = await Group.start(name, leaseMs);
  const took: number[] = [];
  while (took.length < times) {
    const { member } = await group.settled();
    await anyPhase(leaseMs / 2);
    const mono = monotonicMs();
    const next = group.next(member, mono);
    await group.end(member, 'SIGKILL');
    took.push((await next).from - mono);
  }
  return took;
}

export interface Traffic {
  readonly sent: number;
  /** Executed by scripts. */
  readonly inside: number;
}

/** Commands a minute while nothing happens. */
export async function idleTraffic(
  name: ContestantName,
  { leaseMs, idleMs }: Conditions,
): Promise<{ leader: Traffic; follower: Traffic }> {
  await using group = await Group.start(name, leaseMs, { proxied: true });
  const { member: leader } = await group.settled();
  const counts = new Map(group.members.map((member) => [member, { sent: 0, inside: 0 }]));
  const behind = (port: number) => group.members.find(({ proxy }) => proxy.sourcePorts.includes(port));
  const monitor = guardProcess(
    spawn('redis-cli', [...group.redis.cliOptions, 'monitor'], { stdio: ['ignore', 'pipe', 'ignore'] }),
  );
  let asking: Member | undefined;
  let rest = '';
  monitor.stdout.setEncoding('utf8').on('data', (text: string) => {
    const lines = `${rest}${text}`.split('\n');
    rest = lines.pop() ?? '';
    for (const line of lines) {
      const [, source = '', port = ''] = /\[\d+ (lua|[^\]]*?:(\d+))\]/.exec(line) ?? [];
      if (source !== 'lua') asking = behind(Number(port));
      const count = asking === undefined ? undefined : counts.get(asking);
      if (count !== undefined) count[source === 'lua' ? 'inside' : 'sent'] += 1;
    }
  });
  await wait(idleMs);
  monitor.kill();
  const perMinute = (count: number, members: number) => Math.round((count * 60_000) / idleMs / members);
  const sum = (members: readonly Member[]): Traffic => ({
    sent: perMinute(
      members.reduce((all, each) => all + (counts.get(each)?.sent ?? 0), 0),
      members.length,
    ),
    inside: perMinute(
      members.reduce((all, each) => all + (counts.get(each)?.inside ?? 0), 0),
      members.length,
    ),
  });
  return { leader: sum([leader]), follower: sum(group.members.filter((each) => each !== leader)) };
}

/** The leader's link loses everything, without a FIN or RST; the others' links are well. */
export const blackHole = (name: ContestantName, conditions: Conditions): Promise<Outage[]> =>
  atOnce(conditions.trials, () =>
    outage(name, conditions, { proxied: true }, async (_group, leader) => {
      leader.proxy.drop();
      await wait(conditions.outageMs);
    }),
  );

/** Redis is killed and stays away: connections are refused. */
export const redisDown = (name: ContestantName, conditions: Conditions): Promise<Outage[]> =>
  atOnce(conditions.trials, () =>
    outage(name, conditions, {}, async (group) => {
      await group.redis.kill('SIGKILL');
      await wait(conditions.outageMs);
    }),
  );

/** Redis is killed and comes back at once, with nothing. */
export const restartedEmpty = (name: ContestantName, conditions: Conditions): Promise<Outage[]> =>
  atOnce(conditions.trials, () =>
    outage(name, conditions, {}, async (group) => {
      await anyPhase(conditions.leaseMs / 3);
      await group.redis.restart({ empty: true });
      await wait(1.5 * conditions.leaseMs);
    }),
  );

export interface Thaw {
  /** What it answered in its first tick. */
  readonly saysLeader: boolean;
  /** From its first tick until it said that it had lost leadership. */
  readonly noticedMs: number;
}

/** The leader stands still for two leases. */
export const frozenLeader = (name: ContestantName, conditions: Conditions): Promise<Thaw[]> =>
  atOnce(conditions.trials, async () => {
    await using group = await Group.start(name, conditions.leaseMs);
    const reign = await group.settled();
    const { member } = reign;
    member.child.kill('SIGSTOP');
    await wait(2 * conditions.leaseMs);
    member.child.kill('SIGCONT');
    const woke = await group.until('the leader wakes', () => member.woke);
    await group.until('it says that it has lost', () => reign.until);
    return { saysLeader: woke.isLeader, noticedMs: Math.max(0, (reign.until ?? 0) - woke.mono) };
  });

async function outage(
  name: ContestantName,
  { leaseMs }: Conditions,
  options: { readonly proxied?: boolean },
  inflict: (group: Group, leader: Member) => Promise<void>,
): Promise<Outage> {
  await using group = await Group.start(name, leaseMs, options);
  const reign = await group.settled();
  await anyPhase(leaseMs / 3);
  const mono = monotonicMs();
  await inflict(group, reign.member);
  const successor = group.reigns.find((each) => each.member !== reign.member && each.from > mono);
  return {
    successorMs: successor === undefined ? null : successor.from - mono,
    stoppedMs: reign.until === null ? null : reign.until - mono,
    overlapMs: overlapMs(group.reigns),
  };
}

const atOnce = <T>(times: number, trial: () => Promise<T>): Promise<T[]> =>
  Promise.all(Array.from({ length: times }, trial));
