import { SettingsError } from '../errors.ts';
import { VirtualClock } from '../runtime/virtual-clock.ts';
import { nearest } from '../suggest.ts';
import { MEMBER_FAULTS } from './fault-plan.ts';
import { plainStore } from './plain-model.ts';
import { Random } from './random.ts';
import { redisAsyncStore, redisReplicatedStore, redisStore } from './redis-model.ts';
import { sqliteStore } from './sqlite-model.ts';
import { shippedProtocol, type StoreKind } from './simulated-store.ts';

/** Every kind of store that can be simulated. */
export const STORE_KINDS: readonly StoreKind[] = [
  plainStore,
  redisStore,
  redisReplicatedStore,
  redisAsyncStore,
  sqliteStore,
];

/**
 * The kind of store of this name.
 *
 * @throws SettingsError that lists what there is
 */
export function storeKind(name: string): StoreKind {
  const kind = STORE_KINDS.find((each) => each.name === name);
  if (kind !== undefined) return kind;
  throw unknown(
    'store',
    name,
    STORE_KINDS.map((each) => each.name),
  );
}

/** Names of all faults that can happen to members over a store, and to the store. */
export function faultNames(store: StoreKind): readonly string[] {
  const model = store.create({
    clock: new VirtualClock(),
    random: new Random(0),
    protocol: shippedProtocol,
    leaseMs: 15_000,
    sometimes: () => {},
  });
  return [...Object.keys(MEMBER_FAULTS), ...Object.keys(model.faults)];
}

/**
 * The faults that are asked for: `all`, `none`, or a list of names.
 *
 * @throws SettingsError that lists what there is
 */
export function chooseFaults(store: StoreKind, asked: 'all' | 'none' | readonly string[]): readonly string[] {
  if (asked === 'none') return [];
  const known = faultNames(store);
  if (asked === 'all') return known;
  for (const name of asked) if (!known.includes(name)) throw unknown('fault', name, known);
  return asked;
}

function unknown(what: string, name: string, known: readonly string[]): SettingsError {
  const near = nearest(name, known);
  return new SettingsError(
    'SETTINGS_INVALID',
    `There is no ${what} "${name}" in the simulation${near === null ? '.' : `; did you mean "${near}"?`} There are: ${known.join(', ')}.`,
  );
}
