/**
 * What a member costs that has nothing to do: memory above a bare Node process with the same client, CPU of a leader
 * and of a follower, and what ten of them ask of Redis.
 *
 * Goals: 5 MB, 1 % of a core, 0.1 % of a core in Redis.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { stripTypeScriptTypes } from 'node:module';
import { availableParallelism, loadavg } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { Redis } from 'ioredis';
import { table } from '../../src/cli/output.ts';
import { RedisServer } from '../../test/redis/redis-server.ts';
import type { Told } from './member.ts';

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '60' },
    repetitions: { type: 'string', default: '7' },
    members: { type: 'string', default: '10' },
  },
});
const seconds = Number(values.seconds);

const MB = 1024 * 1024;
const KINDS = ['bare', 'peers', 'member', 'measured'] as const;
/** Time to connect, to elect and to let the compiler finish. */
const SETTLE_MS = 8000;

const median = (numbers: readonly number[]): number =>
  numbers.toSorted((a, b) => a - b)[Math.floor(numbers.length / 2)] ?? Number.NaN;

/** Plain JavaScript: what Node needs to read TypeScript would be more than half as much again in every process. */
const program = stripTypeScriptTypes(readFileSync(join(import.meta.dirname, 'member.ts'), 'utf8'));

class Process implements AsyncDisposable {
  readonly #child: ChildProcess;

  constructor(kind: (typeof KINDS)[number], url: string) {
    const flags = ['--expose-gc', '--disable-warning=ExperimentalWarning', '--input-type=module'];
    this.#child = spawn(process.execPath, [...flags, '--eval', program, kind, url], {
      cwd: import.meta.dirname,
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
    });
  }

  async ready(): Promise<this> {
    await this.#message();
    return this;
  }

  async ask(what: 'now' | 'worked'): Promise<Told> {
    const answer = this.#message();
    this.#child.send(what);
    return (await answer) as Told;
  }

  async #message(): Promise<unknown> {
    const died = new AbortController();
    const ended = once(this.#child, 'exit', { signal: died.signal }).then(([code]: unknown[]) => {
      throw new Error(`A member ended with exit code ${String(code)}.`);
    });
    const message = once(this.#child, 'message', { signal: died.signal });
    try {
      const [told] = (await Promise.race([message, ended])) as unknown[];
      return told;
    } finally {
      // Neither is waited for any more.
      for (const each of [message, ended]) each.catch(() => {});
      died.abort();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const ended = once(this.#child, 'exit');
    this.#child.kill();
    await ended;
  }
}

/** MB. */
interface Held {
  /** As an operator sees a process that has nothing to do. */
  readonly idle: number;
  readonly idlePrivate: number;
  /** When it has worked and garbage was collected. */
  readonly worked: number;
  readonly live: number;
}

/** One process of each kind at a time, in turn, each from its start. */
async function memory(url: string): Promise<Record<(typeof KINDS)[number], Held>> {
  const told = new Map<(typeof KINDS)[number], Held[]>(KINDS.map((kind) => [kind, []]));
  for (let n = 0; n < Number(values.repetitions); n += 1) {
    for (const kind of KINDS) {
      await using one = await new Process(kind, url).ready();
      await sleep(SETTLE_MS);
      const resting = await one.ask('now');
      const worked = await one.ask('worked');
      told.get(kind)?.push({
        idle: resting.rssBytes / MB,
        idlePrivate: resting.privateBytes / MB,
        worked: worked.rssBytes / MB,
        live: worked.heapBytes / MB,
      });
    }
  }
  const held = (kind: (typeof KINDS)[number]): Held => {
    const of = (what: keyof Held) => median((told.get(kind) ?? []).map((each) => each[what]));
    return { idle: of('idle'), idlePrivate: of('idlePrivate'), worked: of('worked'), live: of('live') };
  };
  return { bare: held('bare'), peers: held('peers'), member: held('member'), measured: held('measured') };
}

async function redisCpuMs(client: Redis): Promise<number> {
  const info = await client.info('cpu');
  const of = (name: string) => Number(new RegExp(`${name}:([\\d.]+)`).exec(info)?.[1]);
  return (of('used_cpu_user') + of('used_cpu_sys')) * 1000;
}

/** CPU of a number of members over a while, and of Redis with and without them; shares of a core. */
async function idle(kind: (typeof KINDS)[number], url: string) {
  const client = new Redis(url);
  const bothEnds = async <T>(ask: () => Promise<T>): Promise<[T, T]> => {
    const before = await ask();
    await sleep(seconds * 1000);
    return [before, await ask()];
  };
  const [alone0, alone1] = await bothEnds(() => redisCpuMs(client));
  await using stack = new AsyncDisposableStack();
  const processes = Array.from({ length: Number(values.members) }, () => stack.use(new Process(kind, url)));
  await Promise.all(processes.map((each) => each.ready()));
  await sleep(SETTLE_MS);
  const all = () => Promise.all([redisCpuMs(client), ...processes.map((each) => each.ask('now'))] as const);
  const [[redis0, ...before], [redis1, ...after]] = await bothEnds(all);
  client.disconnect();
  const shares = after.map((told, at) => {
    const first = before[at] as Told;
    return { leads: told.leads, share: (told.cpuMs - first.cpuMs) / (told.mono - first.mono) };
  });
  const share = (ms: number) => ms / (seconds * 1000);
  return {
    leader: median(shares.filter(({ leads }) => leads).map((each) => each.share)),
    follower: median(shares.filter(({ leads }) => !leads).map((each) => each.share)),
    redis: share(redis1 - redis0),
    redisAlone: share(alone1 - alone0),
  };
}

await using server = await RedisServer.start();
const url = `redis://127.0.0.1:${server.port}`;
const percent = (share: number): string => `${(share * 100).toFixed(3)} %`;
const mb = (value: number): string => `${value.toFixed(1)} MB`;

const command = ['npm run bench:idle --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
console.log(`$ ${command}`);
console.log(`Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}\n`);
const held = await memory(url);
const plain = await idle('member', url);
const scraped = await idle('measured', url);

/** A bare process, and how much more the others hold. */
const rows = (what: keyof Held, name: string, goal = ''): string[][] => {
  const above = (kind: (typeof KINDS)[number]) => mb(held[kind][what] - held.bare[what]);
  return [
    [`${name}: bare Node process with ioredis`, mb(held.bare[what]), ''],
    ['… with XState and RxJS loaded, above that', above('peers'), ''],
    ['… a member, above the bare process', above('member'), goal],
    ['… with metrics for Prometheus, above the bare process', above('measured'), ''],
  ];
};

for (const line of table([
  ['', 'measured', 'goal'],
  ...rows('idle', 'resident, idle', '5 MB'),
  ...rows('idlePrivate', 'of that private'),
  ...rows('worked', 'resident once it has worked'),
  ...rows('live', 'live heap'),
  ['CPU of an idle leader', percent(plain.leader), '1 %'],
  ['… with metrics, scraped every 15 s', percent(scraped.leader), '1 %'],
  ['CPU of an idle follower', percent(plain.follower), '1 %'],
  ['… with metrics, scraped every 15 s', percent(scraped.follower), '1 %'],
  [
    `CPU of Redis for ${values.members} members, above alone`,
    percent(plain.redis - plain.redisAlone),
    '0.1 %',
  ],
  ['CPU of Redis alone', percent(plain.redisAlone), ''],
]))
  console.log(line);
console.log(`\nload at the end ${loadavg()[0]?.toFixed(1)}`);
