import { memoryLeases } from '../../src/lease/memory-lease-store.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { leaseStoreContract } from './lease-store.contract.ts';

leaseStoreContract({
  name: 'memory',
  leaseMs: 1000,
  create: async ({ freshStore }) => {
    const clock = new VirtualClock();
    const store = memoryLeases({ clock, freshStore });
    return {
      store,
      // Members share the store itself.
      anotherMember: () => store,
      advance: async (ms) => clock.advance(ms),
      nowMs: () => clock.nowMs,
      loseData: async () => store.loseData(),
      [Symbol.asyncDispose]: () => store.close(),
    };
  },
});
