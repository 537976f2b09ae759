import { Random } from '../../src/simulation/random.ts';
import { SqliteModel } from '../../src/simulation/sqlite-model.ts';
import { leaseStoreContract } from './lease-store.contract.ts';
import { simulatedContract } from './simulated-stores.ts';

leaseStoreContract(
  simulatedContract(
    'simulated sqlite, file deleted',
    (options) => new SqliteModel({ ...options, apart: false }),
    (model) => model.faults['delete-file']?.(new Random('draw')),
  ),
);
