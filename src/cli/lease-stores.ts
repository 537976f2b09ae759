import { resolve } from 'node:path';
import { SettingsError } from '../errors.ts';
import { memoryLeases } from '../lease/memory-lease-store.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import { sqliteLeases } from '../sqlite.ts';

/** Lease stores by name, as `--store` takes them. */

export const STORE_FORMS = 'sqlite:PATH or memory';

/**
 * The same name with an absolute path, so that it means the same anywhere.
 *
 * @throws SettingsError for a store there is not
 */
export function resolveStore(text: string, flag = '--store'): string {
  if (text === 'memory') return text;
  const path = /^sqlite:(?:\/\/(?=\/))?(.+)$/.exec(text)?.[1];
  if (path !== undefined) return `sqlite:${resolve(path)}`;
  throw new SettingsError(
    'SETTINGS_INVALID',
    `${flag} is "${text}", but must be ${STORE_FORMS}, for example sqlite:.conclave/leases.db.`,
  );
}

/** The path of an embedded store, or null for any other. */
export function storePath(store: string): string | null {
  return store.startsWith('sqlite:') ? store.slice('sqlite:'.length) : null;
}

/**
 * Opens a store by its name.
 *
 * @param onNotice Told about what is worth a log line.
 *
 * @throws SettingsError if there is no such store, or its file cannot be one
 */
export function openLeases(text: string, onNotice: (message: string) => void = () => {}): LeaseStore {
  const path = storePath(resolveStore(text));
  if (path === null) return memoryLeases();
  return sqliteLeases({ path, onNotice: ({ message }) => onNotice(message) });
}
