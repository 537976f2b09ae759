import { memberMutants } from './mutants-member.ts';
import { protocolMutants } from './mutants-protocol.ts';
import type { Mutant } from './simulated-store.ts';

/**
 * The planted bugs that whole clusters must show: which kind of store shows each best, and within how many seeds. A
 * budget is several times what it took when it was set.
 */
const budgets: Readonly<Record<string, readonly [store: string, seeds: number]>> = {
  'no-quarantine': ['redis', 50],
  'released-exempt': ['redis', 150],
  'grace-exempt': ['redis', 50],
  'incarnation-ignored': ['plain', 150],
  'seen-ignored': ['redis', 300],
  'empty-trusted': ['redis', 50],
  'any-loss-counts': ['plain', 150],
  'loss-noted-anew': ['redis', 50],
  'late-acquire-accepted': ['redis', 400],
  'same-token-again': ['redis', 50],
  'bare-increment': ['plain', 100],
  'highest-ignored': ['redis', 300],
  'time-ignored': ['plain', 200],
  'any-beat-watched': ['redis', 100],
  'ends-early': ['redis', 100],
  'grace-after-release': ['redis', 200],
  'watched-to-its-end-ignored': ['redis', 50],
  'no-holder-checked': ['redis', 50],
  'renewed-by-anybody': ['redis', 150],
  'late-beat-accepted': ['plain', 300],
  'beat-of-the-store': ['redis', 1500],
  'renewed-shorter': ['redis', 100],
  'renewed-in-word-only': ['redis', 50],
  'released-by-anybody': ['redis', 200],
  'released-by-an-earlier-term': ['plain', 300],
  'release-forgets-tokens': ['redis', 50],
  'deadline-from-reply': ['redis', 150],
  'drift-not-taken-off': ['redis', 100],
  'flag-instead-of-clock': ['plain', 50],
  'wall-clock': ['plain', 50],
  'drift-of-8-percent': ['redis', 100],
  'leaves-after-release': ['redis', 50],
  'freed-before-told': ['redis', 200],
  'wait-not-watched': ['redis', 50],
  'error-taken-for-free': ['redis', 50],
  'error-taken-for-renewed': ['redis', 50],
  'held-taken-for-won': ['plain', 50],
  'quarantine-taken-for-free': ['redis', 50],
  'renewal-shortens-the-lease': ['redis', 50],
  'requests-not-numbered': ['redis', 250],
  'beats-repeated': ['redis', 50],
};

/**
 * Everything that is planted to see whether the simulator finds it. Rules of the protocol that need rarer schedules
 * than whole clusters come to in a minute are planted in the bare protocol, where thousands of schedules take seconds
 * (`test/properties/lease-protocol.test.ts`, which plants all of `protocolMutants`).
 */
export const mutants: readonly Mutant[] = [...protocolMutants, ...memberMutants].flatMap((mutant) => {
  const [store, seeds] = budgets[mutant.name] ?? [];
  return store === undefined || seeds === undefined ? [] : [{ ...mutant, store, seeds }];
});
