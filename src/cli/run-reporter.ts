import { comment } from '../election/commentary.ts';
import type { ElectionEvent } from '../election/events.ts';
import type { LeaderElection } from '../leader-election.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { formatDuration } from './duration.ts';
import { toJson } from './output.ts';
import { exitCodeOf } from './run-group.ts';
import type { StopReason } from './run-messages.ts';
import type { Outcome, Progress } from './run-supervised.ts';

/**
 * What `conclave run` says, on standard error, since standard output is the command's: a line for people, or an
 * object for programs. Quiet, it says only what went wrong.
 */
export class RunReporter implements Disposable {
  readonly #json: boolean;
  readonly #quiet: boolean;
  #unsubscribe = () => {};
  #waitingFor: string | null | undefined;

  constructor(options: { readonly json: boolean; readonly quiet: boolean }) {
    this.#json = options.json;
    this.#quiet = options.quiet;
  }

  watch(election: LeaderElection): void {
    const subscription = election.events$.subscribe((event) => this.#event(event));
    this.#unsubscribe = () => subscription.unsubscribe();
  }

  /** What was understood otherwise than it may have been meant. */
  note(message: string): void {
    this.#say({ type: 'note', message }, message);
  }

  /** Says once who leads instead. */
  waiting(resource: string, leader: string | null): void {
    if (leader === this.#waitingFor) return;
    this.#waitingFor = leader;
    const who = leader === null ? `nobody is known to lead "${resource}"` : `${leader} leads "${resource}"`;
    this.#say({ type: 'waiting', resource, leader }, `${who}; waiting`);
  }

  progress(progress: Progress, { token, number }: { readonly token: bigint; readonly number: number }): void {
    this.#waitingFor = undefined;
    if (progress.type === 'started')
      return this.#say(
        { ...progress, term: number, token },
        `leading (term ${number}, token ${token}); started process group ${progress.pid}`,
      );
    const { type, reason, remainingMs } = progress;
    const left = `${formatDuration(Math.max(0, remainingMs))} of the lease left`;
    const what = type === 'stopping' ? 'SIGTERM' : 'SIGKILL';
    this.#say({ ...progress }, `${WHY[reason]}: ${what} to the process group (${left})`, reason === 'asked');
  }

  outcome(outcome: Outcome): void {
    if (outcome.kind === 'failed') return;
    const { code, signal, stopped, remainingMs } = outcome;
    const how = signal === null ? `with exit code ${code}` : `by ${signal}`;
    const plain = { code, signal, stopped, remainingMs, exitCode: exitCodeOf(outcome) };
    this.#say({ type: 'ended', ...plain }, `the command ended ${how}`, stopped === null);
  }

  released(): void {
    this.#say({ type: 'released' }, 'handed over', true);
  }

  [Symbol.dispose](): void {
    this.#unsubscribe();
  }

  #event(event: ElectionEvent): void {
    const line = comment(event as Parameters<typeof comment>[0]);
    if (line === null || !TOLD.has(event.type)) return;
    const { level, message } = line;
    // Each failed renewal is a fact; that the store is unavailable is told once.
    this.#say({ type: event.type, level, message }, message, event.type === 'renewalFailed');
  }

  /** @param routine Not worth a line for people: nothing unexpected happened. */
  #say(event: object, line: string, routine = false): void {
    if (this.#quiet) return;
    if (this.#json) process.stderr.write(`${toJson({ ...event, mono: systemClock.monotonicMs() })}\n`);
    else if (!routine) process.stderr.write(`conclave: ${line}\n`);
  }
}

/** What an election tells that a command's user would want to know; the rest is said in other words. */
const TOLD: ReadonlySet<ElectionEvent['type']> = new Set([
  'storeUnavailable',
  'storeRecovered',
  'renewalFailed',
  'journalFailed',
]);

const WHY: Readonly<Record<StopReason, string>> = {
  'lease-ends': 'the lease was not renewed in time',
  asked: 'asked to hand over',
  lost: 'leadership is lost',
  orphaned: 'the watchdog of the command is gone',
  'left-behind': 'the command ended and left processes behind',
};
