import { randomBytes } from 'node:crypto';
import type { Randomness } from './randomness.ts';

/** The one file that touches real randomness. */

/** Letters and digits that nobody mistakes for another; 32 of them, so that a byte's low five bits choose one. */
const ALPHABET = '23456789abcdefghijkmnpqrstuvwxyz';

/** Characters of an id: 16 × 5 bits = 80 random bits. */
const ID_LENGTH = 16;

/**
 * Randomness of the operating system.
 *
 * @example
 * const election = createLeaderElection({ …, randomness: systemRandomness });
 */
export const systemRandomness: Randomness = {
  unit: () => Math.random(),
  id() {
    let id = '';
    for (const byte of randomBytes(ID_LENGTH)) id += ALPHABET[byte % ALPHABET.length];
    return id;
  },
};

let secretKey: string | undefined;

/** The key that stands in for secrets whose owner gave none: random, the same for the life of the process. */
export function processSecretKey(): string {
  secretKey ??= randomBytes(32).toString('hex');
  return secretKey;
}

/**
 * Runs `fn` while `Math.random` gives the ends of its range in turn, for the check that a transition depends on none.
 * What `crypto` gives differs at each call anyway. `fn` must be synchronous.
 */
export function underOtherRandomness<T>(fn: () => T): T {
  const { random } = Math;
  let high = false;
  Math.random = () => {
    high = !high;
    return high ? 0.999_999 : 0.000_001;
  };
  try {
    return fn();
  } finally {
    Math.random = random;
  }
}
