import { systemClock } from '../runtime/system-clock.ts';

const NUMBERS = { SIGHUP: 1, SIGINT: 2, SIGTERM: 15 } as const;

/** One Ctrl-C can come twice: from the terminal, and passed on by npm, which got it as well. */
const SAME_MS = 300;

/**
 * The system ends a process at a signal that it does not listen for, except for the first one of a container: that
 * would go on, without having heard it, and be killed in the end. Until a command listens itself, this does.
 */
export function endAsFirstProcess(): void {
  if (process.pid !== 1) return;
  for (const signal of ['SIGTERM', 'SIGINT'] as const)
    process.on(signal, () => {
      const isAlone = process.listenerCount(signal) === 1;
      if (isAlone) process.exit(128 + NUMBERS[signal]);
    });
}

/** The first signal asks to end in order, a later one ends this process at once. */
export function onStopSignals(
  signals: readonly (keyof typeof NUMBERS)[],
  stop: (signal: string) => void,
): void {
  let firstAt: number | null = null;
  for (const signal of signals)
    process.on(signal, () => {
      const now = systemClock.monotonicMs();
      if (firstAt === null) {
        firstAt = now;
        stop(signal);
      } else if (now - firstAt > SAME_MS) process.exit(128 + NUMBERS[signal]);
    });
}
