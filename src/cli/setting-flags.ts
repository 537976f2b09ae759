import { type Command, Option } from 'commander';
import { leaseKeys } from '../lease/redis-lease-keys.ts';
import { describeRedis, parseRedis } from '../redis.ts';
import { CATALOGUE, SETTING_IDS } from '../settings/catalogue.ts';
import type { Flag } from '../settings/catalogue-entry.ts';
import type { Flags } from '../settings/flag-layer.ts';
import type { SettingsInput } from '../settings/resolve.ts';
import type { ReadRedis } from '../settings/resolve-store.ts';
import { addConfigOption } from './given-settings.ts';
import { keysOfLease } from './lease-stores.ts';

/** The flags of settings, as commands have them. Their texts are read by `src/settings`, all at once. */

/** `--json` belongs to every command. */
const FLAGS: readonly Flag[] = SETTING_IDS.flatMap((id) => CATALOGUE[id].flag ?? []).filter(
  ({ name }) => name !== 'json',
);

/** Adds `--config` and a flag for each setting that has one. */
export function addSettingFlags(command: Command): Command {
  addConfigOption(command);
  for (const flag of FLAGS) command.addOption(new Option(spelling(flag), flag.about));
  return command;
}

function spelling({ name, value, optionalValue, short, negated }: Flag): string {
  if (negated === true) return `--no-${name}`;
  const long =
    value === undefined ? `--${name}` : `--${name} ${optionalValue === true ? `[${value}]` : `<${value}>`}`;
  return short === undefined ? long : `-${short}, ${long}`;
}

/** What commander made of the command line, by the names of flags; only what was given. */
export function flagsFrom(options: Readonly<Record<string, unknown>>): Flags {
  const flags: Record<string, unknown> = {};
  for (const { name, negated } of FLAGS) {
    const value = options[name.replaceAll(/-(.)/g, (_, letter: string) => letter.toUpperCase())];
    // Commander says true of a flag that could have switched it off.
    if (value !== undefined && !(negated === true && value === true)) flags[name] = value;
  }
  if (options['json'] === true) flags['json'] = true;
  return flags;
}

export const readRedis: ReadRedis = (connection, lease) => {
  const settings = parseRedis(connection);
  if (lease !== undefined) leaseKeys(lease.resourceName, keysOfLease(lease));
  return { name: describeRedis(settings), notes: settings.notes };
};

/** What `resolveSettings` needs, from the command line and this process. */
export function settingsInput(options: Readonly<Record<string, unknown>>): SettingsInput {
  const { config } = options;
  return {
    ...(typeof config === 'string' && { file: config }),
    environment: process.env,
    flags: flagsFrom(options),
    cwd: process.cwd(),
    readRedis,
  };
}
