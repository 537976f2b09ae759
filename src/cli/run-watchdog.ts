/**
 * The process between `conclave run` and its command: it starts the command in a process group of its own and sees
 * to it that nothing of that group runs when the lease ends, whatever happens to `conclave run`: if that was killed,
 * or stands still, or its event loop does, nobody extends the deadline, and SIGTERM and SIGKILL follow from here.
 *
 * What it cannot do: end a process that left the group (`setsid`, a daemon), that runs as another user, or that the
 * kernel holds in an uninterruptible call; and a host that was suspended resumes the command together with this.
 */
import { spawn } from 'node:child_process';
import type { TimerId } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { KillBudget } from './run-budget.ts';
import { type Ending, groupIsGone, signalGroup } from './run-group.ts';
import type { Deadline, FromWatchdog, StopReason, ToWatchdog } from './run-messages.ts';

/** How often the clocks are compared at least: no timer tells of a wall clock that was set. */
const LOOK_MS = 250;
/** How often a group that is to end is looked at. */
const LOOK_ENDING_MS = 10;

type Start = Extract<ToWatchdog, { type: 'start' }>;

class Watchdog {
  readonly #budget: KillBudget;
  #deadline: Deadline;
  readonly #group: number | null;
  #ending: Ending | null = null;
  #stoppedAt: number | null = null;
  #reason: StopReason = 'lease-ends';
  #killed = false;
  #timer: TimerId = null;
  #done = false;

  constructor({ program, args, env, deadline, budget }: Start) {
    this.#budget = budget;
    this.#deadline = deadline;
    const command = spawn(program, args, { detached: true, stdio: 'inherit', env });
    this.#group = command.pid ?? null;
    if (command.pid !== undefined) tell({ type: 'started', pid: command.pid });
    command.once('error', ({ code = 'UNKNOWN', message }: NodeJS.ErrnoException) => {
      if (this.#group === null) this.#finish({ type: 'failed', code, message });
    });
    command.once('exit', (code, signal) => {
      this.#ending = { code, signal };
      this.#look();
    });
    this.#look();
  }

  receive(message: ToWatchdog): void {
    if (message.type === 'extend') this.#deadline = message.deadline;
    if (message.type === 'signal') this.#signal(message.signal);
    if (message.type === 'stop') this.#stop('asked');
    if (message.type === 'kill') this.#kill('lost');
    this.#look();
  }

  orphaned(): void {
    this.#stop('orphaned');
    this.#look();
  }

  #look(): void {
    if (this.#done) return;
    const { graceMs, marginMs } = this.#budget;
    const left = this.#remainingMs();
    const graceLeft =
      this.#stoppedAt === null ? Infinity : this.#stoppedAt + graceMs - systemClock.monotonicMs();
    if (this.#ending !== null && this.#group !== null) {
      if (groupIsGone(this.#group))
        return this.#finish({ type: 'ended', ...this.#ending, remainingMs: left });
      this.#stop('left-behind');
    }
    if (left <= marginMs || graceLeft <= 0) this.#kill(this.#reason);
    else if (left <= marginMs + graceMs) this.#stop('lease-ends');
    const untilNext = this.#stoppedAt === null ? left - marginMs - graceMs : LOOK_ENDING_MS;
    systemClock.clearTimeout(this.#timer);
    this.#timer = systemClock.setTimeout(() => this.#look(), Math.min(Math.max(untilNext, 1), LOOK_MS));
  }

  #remainingMs(): number {
    const { endsAt, endsAtWall } = this.#deadline;
    return Math.min(endsAt - systemClock.monotonicMs(), endsAtWall - systemClock.wallMs());
  }

  #stop(reason: StopReason): void {
    if (this.#stoppedAt !== null || this.#done) return;
    this.#stoppedAt = systemClock.monotonicMs();
    this.#reason = reason;
    tell({ type: 'stopping', reason, remainingMs: this.#remainingMs() });
    this.#signal('SIGTERM');
    // A stopped process takes no signal but this one.
    this.#signal('SIGCONT');
  }

  #kill(reason: StopReason): void {
    if (this.#done) return;
    this.#stoppedAt ??= systemClock.monotonicMs();
    if (!this.#killed) tell({ type: 'killing', reason, remainingMs: this.#remainingMs() });
    this.#killed = true;
    // Again at each look: a process that was being forked may have missed the first.
    this.#signal('SIGKILL');
  }

  #signal(signal: NodeJS.Signals): void {
    if (this.#group !== null && !this.#done) signalGroup(this.#group, signal);
  }

  #finish(last: FromWatchdog): void {
    this.#done = true;
    systemClock.clearTimeout(this.#timer);
    tell(last, () => {
      if (process.connected) process.disconnect();
    });
  }
}

/** If nobody listens any more, what is left to do is done all the same. */
function tell(message: FromWatchdog, then = () => {}): void {
  if (process.connected) process.send?.(message, undefined, undefined, then);
}

let watchdog: Watchdog | null = null;

process.on('message', (message: ToWatchdog) => {
  if (message.type === 'start') watchdog ??= new Watchdog(message);
  else watchdog?.receive(message);
});
process.once('disconnect', () => watchdog?.orphaned());
// Whoever stops everything at once (a service manager) means the command; this one ends when that has ended.
for (const signal of ['SIGTERM', 'SIGINT', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2'] as const)
  process.on(signal, () => {});
