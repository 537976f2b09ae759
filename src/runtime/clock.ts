/**
 * Time as a port. Two different things never mix: monotonic milliseconds measure how long something took,
 * wall milliseconds tell people when it was. Everything in Conclave that waits or measures takes a `Clock`,
 * so that the simulator and the tests own time completely; `system-clock.ts` is the one file that touches the
 * real ones.
 */
export interface Clock {
  /**
   * Milliseconds (fractions allowed) on a clock that never steps. All processes of one boot of a host and one
   * time namespace read the same clock; its zero means nothing.
   */
  monotonicMs(): number;
  /** Milliseconds since the Unix epoch. May step in either direction at any time. */
  wallMs(): number;
  /** Calls `fn` once, `delayMs` monotonic milliseconds from now at the earliest. */
  setTimeout(fn: () => void, delayMs: number): TimerId;
  /** Forgets a timer; unknown or already fired ids are ignored. */
  clearTimeout(id: TimerId): void;
}

/** What `Clock.setTimeout` returns. Opaque: only the clock that made it can read it. */
export type TimerId = unknown;
