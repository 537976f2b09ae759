import { type ChildProcess, fork } from 'node:child_process';
import { extname } from 'node:path';
import { fileURLToPath } from 'node:url';
import type { Subscription } from 'rxjs';
import type { LeadershipTerm } from '../election/term.ts';
import type { LeaderElection } from '../leader-election.ts';
import type { TimerId } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { KillBudget } from './run-budget.ts';
import { type Ending, groupIsGone, signalGroup } from './run-group.ts';
import type { Deadline, FromWatchdog, StopReason, ToWatchdog } from './run-messages.ts';

export interface CommandLine {
  readonly program: string;
  readonly args: readonly string[];
}

/** What became of a command in one term. */
export type Outcome =
  | (Ending & {
      readonly kind: 'ended';
      readonly pid: number;
      /** Why it had been told to end; null if it ended by itself. */
      readonly stopped: StopReason | null;
      readonly remainingMs: number;
    })
  | { readonly kind: 'failed'; readonly code: string; readonly message: string };

/** Told as it happens. */
export type Progress =
  | { readonly type: 'started'; readonly pid: number }
  | {
      readonly type: 'stopping' | 'killing';
      readonly reason: StopReason;
      readonly remainingMs: number;
    };

const WATCHDOG = new URL(`./run-watchdog${extname(import.meta.url)}`, import.meta.url);
/** How often a group is looked at whose watchdog is gone. */
const LOOK_MS = 10;
/** A deadline that moved by less is the same one, measured again. */
const SAME_MS = 1;

/** One command in one term: keeps its watchdog informed, and does its work should that be gone. */
export class SupervisedCommand implements Disposable {
  /** Resolves when the command has ended and nothing of its group is left. */
  readonly outcome: Promise<Outcome>;
  readonly #term: LeadershipTerm;
  readonly #budget: KillBudget;
  readonly #watchdog: ChildProcess;
  readonly #onProgress: (progress: Progress) => void;
  readonly #settle: (outcome: Outcome) => void;
  readonly #state: Subscription;
  #deadline: Deadline;
  #group: number | null = null;
  #stopped: StopReason | null = null;
  #lastResort: TimerId = null;
  #settled = false;

  constructor(
    election: LeaderElection,
    term: LeadershipTerm,
    { program, args }: CommandLine,
    budget: KillBudget,
    onProgress: (progress: Progress) => void,
  ) {
    this.#term = term;
    this.#budget = budget;
    this.#onProgress = onProgress;
    this.#deadline = deadlineOf(term);
    const outcome = Promise.withResolvers<Outcome>();
    this.outcome = outcome.promise;
    this.#settle = outcome.resolve;
    this.#watchdog = fork(fileURLToPath(WATCHDOG), {
      detached: true,
      stdio: ['inherit', 'inherit', 'inherit', 'ipc'],
    });
    this.#watchdog.on('message', (message: FromWatchdog) => this.#receive(message));
    this.#watchdog.once('error', ({ message }) => this.#fail('WATCHDOG', message));
    this.#watchdog.once('exit', () => this.#watchdogGone());
    const env = { ...process.env, ...leaseVariables(election.resource, term) };
    this.#tell({ type: 'start', program, args, env, deadline: this.#deadline, budget });
    // The lease is handed over only when nothing of the group is left.
    term.waitUntil(this.outcome);
    this.#state = election.state$.subscribe(() => this.#extend());
    this.#armLastResort();
  }

  /** Passes a signal on to the whole group. */
  signal(signal: NodeJS.Signals): void {
    this.#tell({ type: 'signal', signal });
  }

  /** SIGTERM now, SIGKILL after the grace or just before the lease ends. */
  stop(): void {
    this.#tell({ type: 'stop' });
  }

  /** SIGKILL now. */
  kill(): void {
    this.#tell({ type: 'kill' });
  }

  [Symbol.dispose](): void {
    this.#state.unsubscribe();
    systemClock.clearTimeout(this.#lastResort);
  }

  #tell(message: ToWatchdog): void {
    if (this.#watchdog.connected) this.#watchdog.send(message, undefined, undefined, () => {});
  }

  #extend(): void {
    // After its end the term says nothing of its lease any more; the last deadline stands.
    if (!this.#term.isCurrent) return;
    const deadline = deadlineOf(this.#term);
    if (Math.abs(deadline.endsAt - this.#deadline.endsAt) < SAME_MS) return;
    this.#deadline = deadline;
    this.#tell({ type: 'extend', deadline });
    this.#armLastResort();
  }

  #receive(message: FromWatchdog): void {
    switch (message.type) {
      case 'started':
        this.#group = message.pid;
        return this.#onProgress(message);
      case 'failed':
        return this.#fail(message.code, message.message);
      case 'stopping':
      case 'killing':
        // What a command leaves behind when it ends by itself does not change that it did.
        if (message.reason !== 'left-behind') this.#stopped = message.reason;
        return this.#onProgress(message);
      case 'ended':
        return this.#end(message, message.remainingMs);
    }
  }

  #fail(code: string, message: string): void {
    this.#finish({ kind: 'failed', code, message });
  }

  #end({ code, signal }: Ending, remainingMs: number): void {
    this.#finish({ kind: 'ended', pid: this.#group ?? 0, code, signal, stopped: this.#stopped, remainingMs });
  }

  #finish(outcome: Outcome): void {
    this.#settled = true;
    this[Symbol.dispose]();
    this.#settle(outcome);
  }

  /** The watchdog is frozen, too: half its margin is left. */
  #armLastResort(): void {
    systemClock.clearTimeout(this.#lastResort);
    const inMs = remainingMs(this.#deadline) - this.#budget.marginMs / 2;
    this.#lastResort = systemClock.setTimeout(
      () => {
        if (this.#group !== null) signalGroup(this.#group, 'SIGKILL');
      },
      Math.max(0, inMs),
    );
  }

  /** It ends after its last message; before that somebody has killed it, and nobody waits for the command. */
  #watchdogGone(): void {
    if (this.#settled) return;
    if (this.#group === null) return this.#fail('WATCHDOG', 'its watchdog ended before it');
    this.#stopped ??= 'orphaned';
    this.#onProgress({ type: 'killing', reason: 'orphaned', remainingMs: remainingMs(this.#deadline) });
    this.#untilGone(this.#group);
  }

  #untilGone(group: number): void {
    signalGroup(group, 'SIGKILL');
    if (groupIsGone(group)) return this.#end({ code: null, signal: 'SIGKILL' }, remainingMs(this.#deadline));
    systemClock.setTimeout(() => this.#untilGone(group), LOOK_MS);
  }
}

function deadlineOf(term: LeadershipTerm): Deadline {
  const left = term.remainingMs;
  return { endsAt: systemClock.monotonicMs() + left, endsAtWall: systemClock.wallMs() + left };
}

const remainingMs = ({ endsAt, endsAtWall }: Deadline): number =>
  Math.min(endsAt - systemClock.monotonicMs(), endsAtWall - systemClock.wallMs());

/** What the command is told. They are the names of no settings, so that a member below a member is not confused. */
function leaseVariables(resource: string, { token, number }: LeadershipTerm): NodeJS.ProcessEnv {
  return {
    CONCLAVE_LEASE_RESOURCE: resource,
    CONCLAVE_LEASE_TERM: String(number),
    CONCLAVE_LEASE_TOKEN: String(token),
  };
}
