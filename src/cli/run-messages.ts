import type { Ending } from './run-group.ts';
import type { KillBudget } from './run-budget.ts';

/** What `conclave run` and the watchdog beside it tell each other. Times are milliseconds. */

/** Until when the command may run: monotonic and wall time, whichever comes first. */
export interface Deadline {
  readonly endsAt: number;
  readonly endsAtWall: number;
}

export type ToWatchdog =
  | {
      readonly type: 'start';
      readonly program: string;
      readonly args: readonly string[];
      readonly env: NodeJS.ProcessEnv;
      readonly deadline: Deadline;
      readonly budget: KillBudget;
    }
  | { readonly type: 'extend'; readonly deadline: Deadline }
  | { readonly type: 'signal'; readonly signal: NodeJS.Signals }
  /** SIGTERM now, SIGKILL after the grace. */
  | { readonly type: 'stop' }
  /** SIGKILL now: somebody else may lead already. */
  | { readonly type: 'kill' };

/** Why the command was told to end. */
export type StopReason =
  /** The lease was not renewed, and the time to stop in order has come. */
  | 'lease-ends'
  /** Leadership was given up on purpose. */
  | 'asked'
  /** Leadership is lost already. */
  | 'lost'
  /** `conclave run` is gone. */
  | 'orphaned'
  /** The command has ended by itself and left processes of its group behind. */
  | 'left-behind';

export type FromWatchdog =
  | { readonly type: 'started'; readonly pid: number }
  | { readonly type: 'failed'; readonly code: string; readonly message: string }
  | { readonly type: 'stopping'; readonly reason: StopReason; readonly remainingMs: number }
  | { readonly type: 'killing'; readonly reason: StopReason; readonly remainingMs: number }
  /** The command has ended and nothing of its group is left. */
  | ({ readonly type: 'ended'; readonly remainingMs: number } & Ending);
