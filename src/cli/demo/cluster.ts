import { mkdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { ConclaveError, StoreUnavailableError } from '../../errors.ts';
import type { LeaseStore, LeaseView } from '../../lease/lease-store.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { type Exit, MemberProcess } from './member-process.ts';
import { openLeases } from '../lease-stores.ts';
import { EXIT } from '../output.ts';
import { placesIn } from '../member-places.ts';
import type { Report } from '../supervision.ts';

/** Something a member reported, or its end. */
export type ClusterEvent =
  | { readonly member: MemberProcess; readonly report: Report }
  | { readonly member: MemberProcess; readonly exit: Exit };

export interface ClusterOptions {
  readonly directory: string;
  readonly resource: string;
  /** Where they compete, instead of in the directory. */
  readonly store?: string | undefined;
  readonly members: number;
  readonly leaseMs: number;
  readonly renewMs?: number | undefined;
  /** A file that they share as their configuration. */
  readonly configuration?: string | undefined;
  /** More flags for `conclave up`. */
  readonly flags?: readonly string[];
  readonly onEvent?: (event: ClusterEvent) => void;
}

/** Who leads, since when, by its own word. */
export interface Leading {
  readonly member: MemberProcess;
  /** Holder id. */
  readonly id: string;
  readonly token: bigint;
  readonly term: number;
  /** Monotonic milliseconds at which it began. */
  readonly since: number;
}

/** The store itself gives up on a lock after a while. */
const patient = new AbortController().signal;

/** Real members as processes of their own, competing in one store. Disposing of it ends them all. */
export class Cluster implements AsyncDisposable {
  readonly options: ClusterOptions;
  readonly #members = new Map<string, MemberProcess>();
  readonly #all: MemberProcess[] = [];
  readonly #watchers = new Set<(event: ClusterEvent | null) => void>();
  readonly #flags: readonly string[];
  readonly #store: string;
  #leases: LeaseStore | null = null;
  #leading: Leading | null = null;
  #ending = false;
  #stopped: Promise<void> | null = null;

  constructor(options: ClusterOptions) {
    const { directory, resource, store, leaseMs, renewMs, configuration, flags = [] } = options;
    this.options = options;
    mkdirSync(join(directory, 'logs'), { recursive: true });
    this.#store = store ?? `sqlite:${placesIn(directory).leases}`;
    this.#flags = [
      '--dir',
      directory,
      '--resource',
      resource,
      '--lease',
      `${leaseMs}ms`,
      ...(renewMs === undefined ? [] : ['--renew', `${renewMs}ms`]),
      // Said, whatever settings there are where somebody looks at a demo.
      '--store',
      this.#store,
      '--port',
      '0',
      '--metrics-port',
      '0',
      ...(configuration === undefined
        ? []
        : ['--configuration', configuration, '--configuration-mode', 'file']),
      ...flags,
    ];
  }

  /** One process for each name, the present incarnation. */
  get members(): readonly MemberProcess[] {
    return [...this.#members.values()];
  }

  /** Every process there ever was. */
  get everyone(): readonly MemberProcess[] {
    return this.#all;
  }

  /** The latest term that began, unless it is known to have ended. */
  get leading(): Leading | null {
    return this.#leading;
  }

  /** Starts all members and waits until one leads and the others know. */
  async start(patienceMs = 30_000): Promise<Leading> {
    for (let n = 1; n <= this.options.members; n += 1) this.run(`member-${n}`);
    return this.until('all members run and one leads', patienceMs, () => this.#agreedLeader());
  }

  /** Starts a member, or its next incarnation. */
  run(name: string, flags: readonly string[] = []): MemberProcess {
    const member = new MemberProcess({
      name,
      flags: [...this.#flags, ...this.#home(name), ...flags],
      logFile: this.#logFile(name),
      compileCache: join(this.options.directory, 'compiled'),
      cwd: this.options.directory,
      onReport: (from, report) => {
        this.#follow(from, report);
        this.#tell({ member: from, report });
      },
      onExit: (from, exit) => {
        if (this.#leading?.member === from) this.#leading = null;
        this.#tell({ member: from, exit });
      },
    });
    this.#members.set(name, member);
    this.#all.push(member);
    return member;
  }

  /**
   * A process that shares a configuration has a directory of its own: one that was killed while a configuration was
   * new would take that for the cause, and its next life would not begin with it.
   */
  #home(name: string): string[] {
    const { configuration, directory } = this.options;
    if (configuration === undefined) return [];
    const life = `${name}-${this.#all.length + 1}`;
    const journal = join(placesIn(directory).journals, `${life}.db`);
    return ['--dir', join(directory, 'homes', life), '--journal', journal];
  }

  /** The lease as the store has it now. */
  lease(): Promise<LeaseView | null> {
    return this.#opened().read(this.options.resource, { signal: patient });
  }

  /**
   * Whether members can change the store now. A process frozen in the middle of a transaction keeps everybody else
   * out until it goes on or dies: no lock of a file is without that.
   */
  async isWritable(): Promise<boolean> {
    try {
      // Giving up what one does not have changes nothing, but needs the right to change.
      await this.#opened().release({ resource: 'nobody', id: 'nobody', token: 0n }, { signal: patient });
      return true;
    } catch (error) {
      if (error instanceof StoreUnavailableError) return false;
      throw error;
    }
  }

  #opened(): LeaseStore {
    this.#leases ??= openLeases(this.#store);
    return this.#leases;
  }

  /** Waits until one member leads and all others that run say that they follow it. */
  settled(patienceMs: number): Promise<Leading> {
    return this.until('one member leads and the others follow it', patienceMs, () => this.#agreedLeader());
  }

  /** Waits for the first term with a larger token. */
  successorOf({ token }: { readonly token: bigint }, patienceMs: number): Promise<Leading> {
    return this.until('another member leads', patienceMs, () =>
      this.#leading !== null && this.#leading.token > token ? this.#leading : null,
    );
  }

  /**
   * Waits until `fact` returns something: asked at once, then after each report and exit of a member.
   *
   * @throws ConclaveError if it takes longer than `patienceMs`, a member fails, or everything ends meanwhile
   */
  until<T>(what: string, patienceMs: number, fact: (event: ClusterEvent | null) => T | null): Promise<T> {
    return new Promise((resolve, reject) => {
      const settle = (act: () => void) => {
        systemClock.clearTimeout(timer);
        this.#watchers.delete(look);
        act();
      };
      const look = (event: ClusterEvent | null) => {
        const found = fact(event);
        const failed = this.#all.find(hasFailed);
        if (found !== null) settle(() => resolve(found));
        else if (failed !== undefined) settle(() => reject(this.#failureOf(failed)));
        else if (this.#ending)
          settle(() => reject(new ConclaveError('ELECTION_STOPPED', 'The members are being stopped.')));
      };
      const timer = systemClock.setTimeout(() => settle(() => reject(tooLate(what, patienceMs))), patienceMs);
      this.#watchers.add(look);
      look(null);
    });
  }

  /** Stops all members in order, followers first, so that none takes over on the way out. */
  stop(): Promise<void> {
    this.#stopped ??= this.#stop();
    return this.#stopped;
  }

  async #stop(): Promise<void> {
    this.#ending = true;
    this.#tell(null);
    const leader = this.#leading?.member;
    await Promise.all(this.#all.filter((member) => member !== leader).map((member) => member.stop()));
    await leader?.stop();
    await this.#leases?.close();
    this.#leases = null;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.stop();
  }

  #agreedLeader(): Leading | null {
    const leading = this.#leading;
    const running = this.members.filter(({ exit }) => exit === null);
    const agreed = running.every(({ status }) => status?.currentLeader === leading?.id);
    return leading !== null && agreed ? leading : null;
  }

  /** Passes on what the process itself said last. */
  #failureOf({ name, exit }: MemberProcess): ConclaveError {
    const log = readFileSync(this.#logFile(name), 'utf8').trim().split('\n').at(-1) ?? '';
    const code = exit?.code === EXIT.usage ? 'SETTINGS_INVALID' : 'MEMBER_UNREACHABLE';
    return new ConclaveError(
      code,
      `${name} ended with exit code ${exit?.code}: ${log.replace(/^conclave: /, '')}`,
    );
  }

  #logFile(name: string): string {
    return join(this.options.directory, 'logs', `${name}.log`);
  }

  #follow(member: MemberProcess, report: Report): void {
    if (report.type !== 'event') return;
    const { event, mono } = report;
    if (event.type === 'becameLeader') {
      const token = BigInt(event.token ?? 0);
      const id = member.status?.member ?? member.name;
      if (this.#leading !== null && this.#leading.token > token) return;
      this.#leading = { member, id, token, term: event.term ?? 0, since: mono };
    } else if (event.type === 'lostLeadership' && this.#leading?.token === BigInt(event.token ?? 0)) {
      this.#leading = null;
    }
  }

  #tell(event: ClusterEvent | null): void {
    if (event !== null) this.options.onEvent?.(event);
    for (const watcher of this.#watchers) watcher(event);
  }
}

/** Whether it ended by itself, and not in order; one that fell by a signal is another matter. */
function hasFailed({ asked, exit }: MemberProcess): boolean {
  return exit !== null && !asked && exit.signal === null && exit.code !== 0;
}

function tooLate(what: string, patienceMs: number): ConclaveError {
  return new ConclaveError('MEMBER_UNREACHABLE', `It took longer than ${patienceMs} ms until ${what}.`);
}
