import { isPlainObject } from './difference.ts';

/**
 * Freezes a configuration through and through, so that no reader can change what the others see. Lists and plain
 * objects are frozen; instances of classes that a schema made (dates, maps, URLs) keep the behaviour of their class.
 */
export function deepFrozen<T>(value: T): T {
  const seen = new Set<unknown>();
  const pending: unknown[] = [value];
  while (pending.length > 0) {
    const next = pending.pop();
    if ((!Array.isArray(next) && !isPlainObject(next)) || seen.has(next)) continue;
    seen.add(next);
    const inside: readonly unknown[] = Object.values(Object.freeze(next));
    for (const each of inside) pending.push(each);
  }
  return value;
}
