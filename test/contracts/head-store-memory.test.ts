import { memoryHead } from '../../src/config/memory-head.ts';
import { headStoreContract } from './head-store.contract.ts';

headStoreContract({
  name: 'memory',
  create: async () => {
    const store = memoryHead();
    // Members share the store itself.
    return { store, another: store, foreign: memoryHead(), [Symbol.asyncDispose]: () => store.close() };
  },
});
