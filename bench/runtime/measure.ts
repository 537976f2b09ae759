import { fork, type ChildProcess } from 'node:child_process';

/**
 * Ratios, not times. Each contestant lives in processes of its own, so that nobody's heap costs another; they take
 * short turns, and what is printed is the median of the turns' own ratios, so that a machine that slows down or is
 * shared slows all of them. A turn is measured in CPU time: what waits for a core does not count, collecting garbage
 * on other threads does.
 */

export interface Comparison {
  readonly name: string;
  /** Median of its speed in rounds a CPU second. */
  readonly perSecond: number;
  /** Median of its speed through that of the first contestant in the same turn. */
  readonly ratio: number;
}

/** Name → makes what does `rounds` rounds of the work. */
export type Contestants = Readonly<Record<string, () => Promise<Work> | Work>>;
export type Work = (rounds: number) => void | Promise<void>;

interface Settings {
  readonly rounds: number;
  /** Turns of each contestant in each generation. */
  readonly repetitions: number;
}

/**
 * How many times all processes are started anew: what the compiler makes of the same code differs from process to
 * process by more than most changes do.
 */
const GENERATIONS = 6;

/** Runs all contestants of `file`, which must call `serve` when it is started as a child. */
export async function compare(
  file: string,
  contestants: Contestants,
  settings: Settings,
): Promise<Comparison[]> {
  const names = Object.keys(contestants);
  const speeds: number[][] = names.map(() => []);
  const ratios: number[][] = names.map(() => []);
  for (let generation = 0; generation < GENERATIONS; generation += 1) {
    const own = await generationOf(file, names, settings);
    const first = own[0] ?? [];
    for (const [at, list] of own.entries()) {
      speeds[at]?.push(median(list));
      ratios[at]?.push(median(list.map((speed, n) => speed / (first[n] ?? Number.NaN))));
    }
  }
  return names.map((name, at) => ({
    name,
    perSecond: median(speeds[at] ?? []),
    ratio: median(ratios[at] ?? []),
  }));
}

/** The speeds of each contestant's turns, of processes started together. */
async function generationOf(
  file: string,
  names: readonly string[],
  { rounds, repetitions }: Settings,
): Promise<number[][]> {
  const children = names.map((name) => fork(file, [CHILD, name]));
  const speeds: number[][] = names.map(() => []);
  for (const child of children) for (let warm = 0; warm < 6; warm += 1) await turn(child, rounds);
  for (let repetition = 0; repetition < repetitions; repetition += 1) {
    // The order turns, too: who follows whom matters to caches.
    for (let step = 0; step < children.length; step += 1) {
      const at = (step + repetition) % children.length;
      speeds[at]?.push(await turn(children[at] as ChildProcess, rounds));
    }
  }
  for (const child of children) child.kill();
  return speeds;
}

const CHILD = '--contestant';

/** Does the turns of one contestant if this process is one; false otherwise. */
export async function serve(contestants: Contestants): Promise<boolean> {
  const [flag, name = ''] = process.argv.slice(2);
  if (flag !== CHILD) return false;
  const work = await contestants[name]?.();
  process.on('message', (rounds: number) => {
    void (async () => {
      const before = process.cpuUsage();
      await work?.(rounds);
      const { user, system } = process.cpuUsage(before);
      process.send?.((rounds * 1_000_000) / (user + system));
    })();
  });
  return true;
}

async function turn(child: ChildProcess, rounds: number): Promise<number> {
  return new Promise((resolve) => {
    child.once('message', (speed: number) => resolve(speed));
    child.send(rounds);
  });
}

export function median(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1
    ? (sorted[middle] ?? Number.NaN)
    : ((sorted[middle - 1] ?? 0) + (sorted[middle] ?? 0)) / 2;
}

export function printTable(title: string, rows: readonly Comparison[], unit: string): void {
  console.log(`\n${title}`);
  for (const { name, perSecond, ratio } of rows) {
    const speed = `${(perSecond / 1000).toFixed(1)} k ${unit}/s`;
    console.log(`  ${name.padEnd(44)} ${speed.padStart(22)}   × ${ratio.toFixed(2)}`);
  }
}
