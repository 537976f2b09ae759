/**
 * Randomness as a port, for the same reason as the clock: a simulated run must be the same run twice.
 */
export interface Randomness {
  /** A number in [0, 1). */
  unit(): number;
  /** An identifier nobody else has: letters and digits only, at least 64 bits of it random. */
  id(): string;
}
