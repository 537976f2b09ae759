import { memberMutants } from './mutants-member.ts';
import { protocolMutants } from './mutants-protocol.ts';
import type { Mutant } from './simulated-store.ts';

/** Everything that is planted to see whether the simulator finds it. */
export const mutants: readonly Mutant[] = [...protocolMutants, ...memberMutants].map((mutant) => ({
  ...mutant,
  seeds: 300,
}));
