/** What must never be. `invariant` names the promise that broke. */
export class Violation extends Error {
  readonly invariant: Invariant;
  /** True milliseconds since the start of the run. */
  readonly atMs: number;

  constructor(invariant: Invariant, atMs: number, detail: string) {
    super(`${INVARIANTS[invariant]}: ${detail}`);
    this.name = 'Violation';
    this.invariant = invariant;
    this.atMs = atMs;
  }
}

/** What is checked after each step (the first eight), in the time to recover, and of the journals. */
export const INVARIANTS = {
  'one-believer': 'At no moment do two members believe that they lead',
  'stops-before-expiry': 'A leader stops believing before its lease can have ended in the store',
  'no-early-grant': 'The store grants a lease only when the holder before has stopped believing',
  'tokens-grow': "Each term's token is larger than every earlier term's",
  'fenced-resource': "A resource that checks tokens accepts the present leader's writes and no former one's",
  'signal-tells': "A term's signal is aborted when the term is over",
  'member-runs': 'No member fails',
  'pure-simulation': 'Nothing reads real time or randomness',
  recovers: 'With faults over, one member leads within a bound',
  'taken-over': 'A released lease is taken over within a bound',
  'nobody-starves': 'Each member that is well can lead',
  'stops-in-time': 'A member that is stopped stops within a bound',
  'journals-verify': 'Each journal verifies',
  'journals-replay': 'Each journal replays to the same digests',
} as const;

/** The name of a promise that a simulation checks. */
export type Invariant = keyof typeof INVARIANTS;
