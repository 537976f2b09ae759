import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { HeadCalls } from '../config/head-calls.ts';
import type { HeadStore } from '../config/head-store.ts';
import { SettingsError } from '../errors.ts';
import { redisHead } from '../redis.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { sqliteHead } from '../sqlite.ts';
import { resolveStore, storePath } from './lease-stores.ts';

/** What members share, as the `config` commands find it. */

export interface ConfigStoreOptions {
  readonly store: string;
  readonly namespace: string;
  readonly json?: true;
}

export function addStoreOptions(command: Command): Command {
  return command
    .requiredOption('--store <store>', 'where it is: sqlite:PATH, or a Redis connection string')
    .option('--namespace <name>', 'what it is called there', 'default');
}

/** Opens the store for as long as `act` takes. */
export async function withHead(
  { store: text, namespace }: ConfigStoreOptions,
  act: (calls: HeadCalls) => Promise<void>,
): Promise<void> {
  await using store = openHead(text, namespace);
  const calls = new HeadCalls(store, systemClock);
  try {
    await act(calls);
  } finally {
    calls.end();
  }
}

function openHead(text: string, namespace: string): HeadStore {
  const store = resolveStore(text);
  const path = storePath(store);
  if (path !== null && !existsSync(path))
    throw new SettingsError('SETTINGS_INVALID', `There is no file ${path}; name the one that members share.`);
  if (path !== null) return sqliteHead({ path, namespace });
  if (store !== 'memory') return redisHead(store, { namespace });
  throw new SettingsError('SETTINGS_INVALID', '--store is memory, which only its own process can see.');
}
