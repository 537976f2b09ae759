import { existsSync } from 'node:fs';
import type { Command } from 'commander';
import { HeadCalls } from '../config/head-calls.ts';
import { SettingsError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { sharedByMembers } from './config-members.ts';
import { addConfigOption, addDirOption, type AskedSettings, settingsIfAny } from './given-settings.ts';
import { openHead, sharingOf } from './head-stores.ts';
import { resolveStore, storePath, textOfStore } from './lease-stores.ts';
import { forPeople } from './member-places.ts';
import type { Sharing } from './member-settings.ts';

/** What members share, as the `config` commands find it: by flags, else by the settings, else as members say. */

export interface ConfigStoreOptions {
  readonly config?: string;
  /** No setting: where the configuration is, not the leases. */
  readonly store?: string;
  readonly namespace?: string;
  readonly dir?: string;
  readonly json?: true;
}

export function addStoreOptions(command: Command): Command {
  const options = addConfigOption(command)
    .option(
      '--store <store>',
      'where it is: sqlite:PATH, or a Redis connection string (default: as the settings, else members of --dir say)',
    )
    .option(
      '--namespace <name>',
      'what it is called there (default: as the settings, else members of --dir say, else "default")',
    );
  return addDirOption(options);
}

/** The settings of the members, as far as these commands go by them. */
export const settingsOfMembers = ({ config, dir }: ConfigStoreOptions): Promise<AskedSettings> =>
  settingsIfAny({ ...(config !== undefined && { config }), ...(dir !== undefined && { dir }) }, ['dir']);

/** What is shared by the settings; null where nothing is, or there are none. */
export const sharedBySettings = ({ given }: Pick<AskedSettings, 'given'>): Sharing | null =>
  given === null ? null : sharingOf(given.settings);

type Place = Pick<Sharing, 'store' | 'namespace'>;

/** Opens the store for as long as `act` takes. */
export async function withHead(
  options: ConfigStoreOptions,
  asked: Pick<AskedSettings, 'given' | 'directory'>,
  act: (calls: HeadCalls) => Promise<void>,
): Promise<void> {
  const { store: text, namespace } = await placeOf(options, asked);
  await using store = openHead(existing(text), namespace);
  const calls = new HeadCalls(store, systemClock);
  try {
    await act(calls);
  } finally {
    calls.end();
  }
}

async function placeOf(
  { store, namespace }: ConfigStoreOptions,
  asked: Pick<AskedSettings, 'given' | 'directory'>,
): Promise<Place> {
  const shared = sharedBySettings(asked);
  if (store !== undefined) return { store, namespace: namespace ?? shared?.namespace ?? 'default' };
  if (shared !== null) return { store: shared.store, namespace: namespace ?? shared.namespace };
  const { directory, given } = asked;
  const place = await placeOfMembers(directory, namespace);
  const own = given?.settings.store.connection?.text;
  const whole = textOfStore(place.store, process.env, own === undefined ? [] : [own]);
  if (whole !== null) return { ...place, store: whole };
  throw new SettingsError(
    'SETTINGS_INVALID',
    `Members below ${forPeople(directory)} share ${place.namespace} in ${place.store}, whose password is not known here; give it by --store or REDIS_CONNECTION_STRING.`,
  );
}

async function placeOfMembers(directory: string, namespace: string | undefined): Promise<Place> {
  const [first, second] = await sharedByMembers(directory, namespace);
  if (first === undefined)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `No member that runs below ${forPeople(directory)} shares a configuration. Name the store by --store, or the settings of the members by --config.`,
    );
  if (second === undefined) return first;
  throw new SettingsError(
    'SETTINGS_INVALID',
    `Members below ${forPeople(directory)} share ${first.namespace} in ${first.store} and ${second.namespace} in ${second.store}: say which by --store and --namespace.`,
  );
}

/** Whoever only looks makes no file. */
function existing(text: string): string {
  const path = storePath(resolveStore(text));
  if (path === null || existsSync(path)) return text;
  throw new SettingsError('SETTINGS_INVALID', `There is no file ${path}; name the one that members share.`);
}
