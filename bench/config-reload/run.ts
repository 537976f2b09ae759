/**
 * How long an edit of the leader's file takes until all members have it in force, over a Redis of its own: members
 * are spread over processes, the file is replaced by a rename, and times are monotonic, taken by the processes at the event.
 *
 * Goal: p99 of all members ≤ quiet time + 200 ms, so 500 ms. With faults: subscribers are killed and hints lost as the
 * options say; then nobody is stale for longer than 1.2 poll intervals.
 */
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtempSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { table } from '../../src/cli/output.ts';
import { startRedis } from '../../test/redis/redis-server.ts';
import { monotonicMs, QUIET_MS, type Told } from './member.ts';

const { values } = parseArgs({
  options: {
    members: { type: 'string', default: '20' },
    processes: { type: 'string', default: '4' },
    edits: { type: 'string', default: '100' },
    warm: { type: 'string', default: '5' },
  },
});
const numbers = [values.members, values.processes, values.edits, values.warm].map(Number);
const [members, processes, edits, warm] = numbers as [number, number, number, number];
const GOAL_MS = QUIET_MS + 200;
const PATIENCE_MS = 120_000;
const STARTS_MAX = 4;
const program = new URL('member.ts', import.meta.url).pathname;

/** A configuration of about 2 kB. */
const textOf = (port: number) =>
  JSON.stringify({
    port,
    routes: Array.from({ length: 20 }, (_, i) => ({
      path: `/service/${i}`,
      to: `http://service-${i}.internal:8080`,
      timeoutMs: 1000 + i,
    })),
  });

/** When each edit came to its steps, by port: at the leader, and at every member. */
const proposed = new Map<number, number>();
const heard = new Map<number, number[]>();
const applied = new Map<number, number[]>();
let present = 0;

function note(told: Told): void {
  if (told.type === 'proposed') proposed.set(present, told.mono);
  else if (told.type === 'heard') heard.set(present, [...(heard.get(present) ?? []), told.mono]);
  else if (told.type === 'applied') applied.set(told.port, [...(applied.get(told.port) ?? []), told.mono]);
}

async function until(fact: () => boolean, what: string): Promise<void> {
  const deadline = monotonicMs() + PATIENCE_MS;
  while (!fact()) {
    if (monotonicMs() > deadline) throw new Error(`Waited in vain until ${what}.`);
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
}

function begun(names: readonly number[]): ChildProcess {
  const args = [file, redis.url, ...names.map((name) => `m${name}`)];
  const child = fork(program, args, { execArgv: ['--conditions=conclave-source'] });
  child.on('message', note);
  return child;
}

function started(child: ChildProcess): Promise<unknown> {
  return new Promise((resolve, reject) => {
    child.on('message', (told: Told) => (told.type === 'started' ? resolve(told) : undefined));
    child.once('exit', (code) => reject(new Error(`a member ended with ${code}`)));
  });
}

const quantile = (sorted: readonly number[], q: number): number =>
  sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;

function row(what: string, latencies: readonly number[], goal: string): (string | number)[] {
  const sorted = latencies.toSorted((a, b) => a - b);
  const cells = [0.5, 0.9, 0.99, 1].map((q) => Math.round(quantile(sorted, q)));
  return [what, sorted.length, ...cells, goal];
}

const directory = mkdtempSync(join(tmpdir(), 'conclave-bench-'));
const file = join(directory, 'app.json');
const edit = (port: number): number => {
  present = port;
  writeFileSync(`${file}.new`, textOf(port));
  const at = monotonicMs();
  renameSync(`${file}.new`, file);
  return at;
};

const children: ChildProcess[] = [];
const redis = await startRedis();
try {
  edit(0);
  for (let first = 0; first < processes; first += STARTS_MAX) {
    const some = Array.from({ length: Math.min(STARTS_MAX, processes - first) }, (_, i) =>
      begun(Array.from({ length: members }, (__, m) => m).filter((m) => m % processes === first + i)),
    );
    children.push(...some);
    await Promise.all(some.map(started));
  }
  const at = new Map<number, number>();
  for (let port = 1; port <= warm + edits; port += 1) {
    // Not in step with sweeps and polls.
    await new Promise((resolve) => setTimeout(resolve, 200 + ((port * 137) % 700)));
    at.set(port, edit(port));
    await until(() => applied.get(port)?.length === members, `all apply edit ${port}`);
  }
  const ports = Array.from({ length: edits }, (_, i) => warm + 1 + i);
  const since = (of: ReadonlyMap<number, number | readonly number[]>, pick: (...all: number[]) => number) =>
    ports.map((port) => pick(...[of.get(port) ?? Number.NaN].flat()) - (at.get(port) ?? Number.NaN));
  const command = ['npm run bench:config --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
  console.log(`$ ${command}`);
  console.log(
    `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, ${members} members in ${processes} processes, quiet time ${QUIET_MS} ms; milliseconds after the edit`,
  );
  console.log('');
  for (const line of table([
    ['', 'n', 'p50', 'p90', 'p99', 'max', 'goal p99'],
    row('the leader has proposed it', since(proposed, Math.min), ''),
    row('the last member has heard of it', since(heard, Math.max), ''),
    row('the first member has it in force', since(applied, Math.min), ''),
    row('all members have it in force', since(applied, Math.max), `${GOAL_MS}`),
  ]))
    console.log(line);
} finally {
  const ended = children.filter(({ exitCode }) => exitCode === null).map((child) => once(child, 'exit'));
  for (const child of children) if (child.connected) child.disconnect();
  await Promise.all(ended);
  await redis[Symbol.asyncDispose]();
  rmSync(directory, { recursive: true, force: true });
}
