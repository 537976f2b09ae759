import type { Clock } from '../runtime/clock.ts';
import type { RedisArgument, RedisNode } from './client.ts';
import type { ClockSample, Samples } from './doctor-facts.ts';
import type { Asked } from './doctor-findings.ts';

/** Questions to one server; each is answered, or it is told why not. */

export async function asked<T>(question: () => Promise<T>): Promise<Asked<T>> {
  try {
    return { answer: await question() };
  } catch (error) {
    return { refused: error instanceof Error ? error.message : String(error) };
  }
}

const CONFIG_PATTERNS = [
  'save',
  'appendfsync',
  'min-*-to-write',
  'min-*-max-lag',
  'timeout',
  'cluster-node-timeout',
  'latency-monitor-threshold',
] as const;

export function askConfig(node: RedisNode): Promise<Asked<Readonly<Record<string, string>>>> {
  return asked(async () => {
    const parts = await Promise.all(CONFIG_PATTERNS.map((pattern) => node.call('CONFIG', 'GET', pattern)));
    return Object.assign({}, ...parts.map(pairs)) as Record<string, string>;
  });
}

/** A flat list of names and values, as RESP2 has it. */
export function pairs(reply: unknown): Record<string, string> {
  const flat = Array.isArray(reply) ? reply.map(String) : [];
  return Object.fromEntries(
    flat.flatMap((name, index) => (index % 2 === 0 ? [[name, flat[index + 1] ?? ''] as const] : [])),
  );
}

export function askModules(node: RedisNode): Promise<Asked<readonly string[]>> {
  return asked(async () => {
    const list = (await node.call('MODULE', 'LIST')) as readonly unknown[];
    return list.map((each) => pairs(each)['name'] ?? '');
  });
}

export function askStalls(node: RedisNode): Promise<Asked<Readonly<Record<string, number>>>> {
  return asked(async () => {
    const list = (await node.call('LATENCY', 'LATEST')) as readonly (readonly unknown[])[];
    return Object.fromEntries(list.map(([event, , , longest]) => [String(event), Number(longest)]));
  });
}

const SLOW_COMMANDS = 128;

export function askSlowest(node: RedisNode): Promise<Asked<number>> {
  return asked(async () => {
    const list = (await node.call('SLOWLOG', 'GET', SLOW_COMMANDS)) as readonly (readonly unknown[])[];
    return list.reduce((most, [, , microseconds]) => Math.max(most, Number(microseconds) / 1000), 0);
  });
}

/** Needs EVAL, as leases do; the keys are named so that a cluster's node lets it through. */
const MAY_I = `#!lua flags=no-writes
local denied = {}
local at = 1
while at <= #ARGV do
  local count = tonumber(ARGV[at])
  if not redis.acl_check_cmd(unpack(ARGV, at + 1, at + count)) then denied[#denied + 1] = ARGV[at + 1] end
  at = at + count + 1
end
return denied`;

export interface Needs {
  readonly mirror: string;
  readonly record: string;
  readonly channel: string;
  readonly database: number;
  readonly waits: boolean;
  readonly inCluster: boolean;
}

/** Each command that leases use, with the keys and channels they use. */
export function neededCommands({ mirror, record, channel, database, waits, inCluster }: Needs): string[][] {
  const nobody = '0'.repeat(40);
  return [
    ['evalsha', nobody, '2', mirror, record],
    ['hmget', record, 'v'],
    ['hset', record, 'v', '1'],
    ['exists', record],
    ['pexpire', record, '1'],
    ['get', mirror],
    ['set', mirror, 'x', 'px', '1'],
    ['pttl', mirror],
    ['del', mirror],
    ['publish', channel, 'x'],
    ['time'],
    ['info', 'server'],
    ['ping'],
    ['subscribe', channel],
    ['unsubscribe', channel],
    ...(waits ? [['wait', '1', '1']] : []),
    ...(inCluster ? [['cluster', 'slots'], ['asking']] : []),
    ...(database > 0 ? [['select', String(database)]] : []),
  ];
}

export function askDenied(node: RedisNode, needs: Needs): Promise<Asked<readonly string[]>> {
  return asked(async () => {
    const commands = neededCommands(needs);
    const args: RedisArgument[] = commands.flatMap((command) => [command.length, ...command]);
    const denied = await node.call('EVAL', MAY_I, 2, needs.mirror, needs.record, ...args);
    return (denied as unknown[]).map(String);
  });
}

const PINGS_MAX = 100;
/** However slow the way is: no longer than this, and five of them at least. */
const PINGS_MS_MAX = 3000;
const PINGS_MIN = 5;
const CLOCK_SAMPLES = 6;
const CLOCK_PAUSE_MS = 200;

/** Times round trips, and looks at the server's clock in between for a second. */
export async function takeSamples(node: RedisNode, clock: Clock): Promise<Samples> {
  const rttMs: number[] = [];
  const times: ClockSample[] = [];
  const since = clock.monotonicMs();
  try {
    // The first one pays for what is only done once.
    await node.call('PING');
    for (let n = 0; n < CLOCK_SAMPLES; n += 1) {
      if (n > 0) await new Promise<void>((resolve) => clock.setTimeout(resolve, CLOCK_PAUSE_MS));
      const sample = await clockSample(node, clock);
      if (sample !== null) times.push(sample);
      for (let ping = 0; ping < PINGS_MAX / CLOCK_SAMPLES; ping += 1) {
        if (rttMs.length >= PINGS_MIN && clock.monotonicMs() - since > PINGS_MS_MAX) break;
        const sentAt = clock.monotonicMs();
        await node.call('PING');
        rttMs.push(clock.monotonicMs() - sentAt);
      }
    }
  } catch {
    // What was measured until then counts.
  }
  return { rttMs: rttMs.toSorted((a, b) => a - b), clock: times };
}

async function clockSample(node: RedisNode, clock: Clock): Promise<ClockSample | null> {
  const before = clock.monotonicMs();
  const wallBefore = clock.wallMs();
  const answer = await asked(() => node.call('TIME') as Promise<readonly unknown[]>);
  if ('refused' in answer) return null;
  const uncertainMs = (clock.monotonicMs() - before) / 2;
  const [seconds, microseconds] = answer.answer.map(Number);
  return {
    serverMs: (seconds ?? 0) * 1000 + (microseconds ?? 0) / 1000,
    wallMs: wallBefore + uncertainMs,
    monotonicMs: before + uncertainMs,
    uncertainMs,
  };
}
