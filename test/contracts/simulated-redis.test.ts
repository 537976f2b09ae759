import { RedisModel } from '../../src/simulation/redis-model.ts';
import { leaseStoreContract } from './lease-store.contract.ts';
import { simulatedContract } from './simulated-stores.ts';

leaseStoreContract(
  simulatedContract(
    'simulated redis, restarted empty',
    (options) => new RedisModel(options),
    ({ group }) => group.restart(true),
  ),
);

leaseStoreContract(
  simulatedContract(
    'simulated redis, flushed',
    (options) => new RedisModel(options),
    (model) => {
      for (const resource of model.resources) model.change(resource, null);
    },
  ),
);

leaseStoreContract(
  simulatedContract(
    'simulated redis, one acknowledging replica',
    (options) => new RedisModel({ ...options, replicas: 1, protection: 'wait' }),
    ({ group }) => group.restart(true),
  ),
);
