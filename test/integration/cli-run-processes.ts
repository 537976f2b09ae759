/** `conclave run` as a user starts it, and what its tests need to see of it. */
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { groupIsGone } from '../../src/cli/run-group.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { sqliteLeases } from '../../src/sqlite.ts';
import { PATIENCE_MS, Running } from './conclave-program.ts';

/** What `--json` says on standard error. */
export interface RunEvent {
  readonly type: string;
  readonly mono: number;
  readonly pid?: number;
  readonly token?: string;
  readonly term?: number;
  readonly reason?: string;
  readonly leader?: string | null;
  readonly remainingMs?: number;
  readonly exitCode?: number;
  readonly stopped?: string | null;
}

export class Run extends Running {
  constructor(directory: string, args: readonly string[]) {
    super(['run', '--json', ...args], { cwd: directory });
  }

  get exitCode(): Promise<number | null> {
    return this.ended.then(({ code }) => code);
  }

  events(type?: string): RunEvent[] {
    return this.stderr
      .split('\n')
      .filter((line) => line.startsWith('{') && line.endsWith('}'))
      .map((line) => JSON.parse(line) as RunEvent)
      .filter((event) => type === undefined || event.type === type);
  }

  /** The `n`th event of a type, as soon as it is there. */
  async event(type: string, n = 1): Promise<RunEvent> {
    await this.says(new RegExp(`(?:"type":"${type}".*?\n[^]*?){${n}}`));
    return this.events(type)[n - 1] as RunEvent;
  }

  /** Ends whatever is left, in the order in which nothing gets away. */
  override async [Symbol.asyncDispose](): Promise<void> {
    for (const { pid } of this.events('started')) endGroup(pid ?? 0);
    await super[Symbol.asyncDispose]();
  }
}

function endGroup(id: number): void {
  try {
    if (id > 1) process.kill(-id, 'SIGKILL');
  } catch {
    // Gone already.
  }
}

const POLL_MS = 5;

/** Waits for a fact. */
export async function until(what: string, holds: () => boolean): Promise<void> {
  const deadline = systemClock.monotonicMs() + PATIENCE_MS;
  while (!holds()) {
    if (systemClock.monotonicMs() > deadline) throw new Error(`Waited in vain for ${what}`);
    await new Promise((resolve) => setTimeout(resolve, POLL_MS));
  }
}

/** Monotonic time in milliseconds at which nothing of the group ran any more. */
export async function goneAt(group: number): Promise<number> {
  await until(`the end of group ${group}`, () => groupIsGone(group));
  return systemClock.monotonicMs();
}

/** The words that processes wrote to a file, one a line. */
export function linesOf(path: string): string[] {
  return existsSync(path) ? readFileSync(path, 'utf8').trim().split('\n').filter(Boolean) : [];
}

/** The embedded store of a directory, looked at without going through the library. */
export class Store implements Disposable {
  readonly #database: DatabaseSync;
  constructor(directory: string) {
    this.#database = new DatabaseSync(join(directory, '.conclave/leases.db'), { timeout: PATIENCE_MS });
  }
  /** Keeps everybody else from reading and writing, as a hung process or a stuck disk would. */
  hold(): void {
    this.#database.exec('BEGIN EXCLUSIVE');
  }
  /** Monotonic time in milliseconds at which the lease ends if it is not renewed. */
  leaseEnd(resource: string): number {
    const row = this.#database.prepare('SELECT expires_at_ms FROM lease WHERE resource = ?').get(resource);
    return Number(row?.['expires_at_ms']);
  }
  [Symbol.dispose](): void {
    if (this.#database.isOpen) this.#database.close();
  }
}

/** Frees the lease behind its holder's back, as an operator might. */
export async function takeAway(directory: string, resource: string): Promise<void> {
  await using leases = sqliteLeases({ path: join(directory, '.conclave/leases.db') });
  const view = await leases.read(resource, patiently());
  const { released } = await leases.release(
    { resource, id: view?.holder ?? '', token: view?.token ?? 0n },
    patiently(),
  );
  if (!released) throw new Error(`${resource} could not be freed`);
}

const patiently = () => ({ signal: AbortSignal.timeout(PATIENCE_MS) });

/** The process that started the first process of a group. */
export function parentOf(group: number): number {
  const stat = readFileSync(`/proc/${group}/stat`, 'latin1');
  return Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[1]);
}

/**
 * A shell command whose parent and child both write down each signal they trap, and otherwise go on for ever. (A
 * shell has its background commands ignore SIGINT and SIGQUIT, whatever they trap.)
 */
export function stubborn(log: string, signals: readonly string[]): string[] {
  const traps = (who: string) =>
    signals.map((name) => `trap "echo ${who}-${name} >> ${log}" ${name};`).join(' ');
  const forEver = (who: string) => `${traps(who)} echo ${who}-ready >> ${log}; while :; do sleep 0.02; done`;
  return ['sh', '-c', `(${forEver('child')}) & ${forEver('parent')}`];
}
