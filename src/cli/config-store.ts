import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { HeadCalls } from '../config/head-calls.ts';
import { SettingsError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { sharedByMembers } from './config-members.ts';
import { openHead } from './head-stores.ts';
import { resolveStore, storePath, textOfStore } from './lease-stores.ts';
import { forPeople, STATE_DIRECTORY } from './member-places.ts';

/** What members share, as the `config` commands find it. */

export interface ConfigStoreOptions {
  readonly store?: string;
  readonly namespace?: string;
  readonly dir: string;
  readonly json?: true;
}

export function addStoreOptions(command: Command): Command {
  return command
    .option(
      '--store <store>',
      'where it is: sqlite:PATH, or a Redis connection string (default: as members of --dir say)',
    )
    .option(
      '--namespace <name>',
      'what it is called there (default: as members of --dir say, else "default")',
    )
    .option('--dir <path>', 'where members were started, see "up --help"', STATE_DIRECTORY);
}

/** Opens the store for as long as `act` takes. */
export async function withHead(
  options: ConfigStoreOptions,
  act: (calls: HeadCalls) => Promise<void>,
): Promise<void> {
  const { store: text, namespace } = await placeOf(options);
  await using store = openHead(existing(text), namespace);
  const calls = new HeadCalls(store, systemClock);
  try {
    await act(calls);
  } finally {
    calls.end();
  }
}

async function placeOf({ store, namespace, dir }: ConfigStoreOptions) {
  if (store !== undefined) return { store, namespace: namespace ?? 'default' };
  const [first, second] = await sharedByMembers(dir, namespace);
  if (first === undefined)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `No member that runs below ${forPeople(dir)} shares a configuration. Name the store by --store.`,
    );
  if (second !== undefined)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `Members below ${forPeople(dir)} share ${first.namespace} in ${first.store} and ${second.namespace} in ${second.store}: say which by --store and --namespace.`,
    );
  const whole = textOfStore(first.store);
  if (whole !== null) return { ...first, store: whole };
  throw new SettingsError(
    'SETTINGS_INVALID',
    `Members below ${forPeople(dir)} share ${first.namespace} in ${first.store}, whose password is not known here; give it by --store or REDIS_CONNECTION_STRING.`,
  );
}

/** Whoever only looks makes no file. */
function existing(text: string): string {
  const path = storePath(resolveStore(text));
  if (path === null || existsSync(path)) return text;
  throw new SettingsError('SETTINGS_INVALID', `There is no file ${path}; name the one that members share.`);
}
