import { resolve } from 'node:path';
import type { Command } from 'commander';
import { SettingsError } from '../errors.ts';
import type { ExaminedSettings, SettingsInput } from '../settings/resolve.ts';
import type { Settings } from '../settings/settings.ts';
import { findSettingsFile, hasSettingVariables } from '../settings/settings-given.ts';
import { STATE_DIRECTORY } from './member-places.ts';

/**
 * Settings for the commands beside `up`: the same file, the same variables, the same order, so that each of them means
 * the lease that `up` would lead by them. A flag of the command wins, if it is one of a setting.
 *
 * What knows settings and formats is a third of what a short command would load; it is loaded where something is set.
 */

/** Options that are flags of settings, as commander calls them. */
export type SettingOption =
  | 'dir'
  | 'grace'
  | 'id'
  | 'journal'
  | 'keyPrefix'
  | 'lease'
  | 'lockKey'
  | 'renew'
  | 'resource'
  | 'store'
  | 'waitReplicas';

/** Of those commands that look at one lease and its timings. */
export const LEASE_OPTIONS: readonly SettingOption[] = [
  'keyPrefix',
  'lease',
  'lockKey',
  'renew',
  'resource',
  'store',
  'waitReplicas',
];

/** What commander made of them: text as it was written. */
export type SettingOptions = Readonly<Partial<Record<SettingOption, string>>> & { readonly config?: string };

export interface GivenSettings extends Pick<ExaminedSettings, 'file' | 'origins'> {
  readonly settings: Settings;
  /** What was understood otherwise than it may have been meant, a line each. */
  readonly notes: readonly string[];
}

export function addConfigOption(command: Command): Command {
  return command.option(
    '--config <file>',
    'settings file (default: $CONCLAVE_CONFIG, else ./conclave.hcl and the like)',
  );
}

/** How a lease is called in Redis; whoever gives another name looks at another lease. */
export function addKeyOptions(command: Command): Command {
  return command
    .option('--key-prefix <text>', 'before the name of the resource in Redis (default: conclave:leader:)')
    .option('--lock-key <key>', 'the whole key in Redis, instead of prefix and name');
}

export function addDirOption(command: Command): Command {
  return command.option(
    '--dir <path>',
    `where the members were started, see "up --help" (default: ${STATE_DIRECTORY})`,
  );
}

interface Wanted {
  /** Which of the command's options are flags of settings; others may have the same names and mean something else. */
  readonly flags: readonly SettingOption[];
  /** That none is given is no problem. */
  readonly withoutStore?: boolean;
}

/** @throws SettingsError with everything that is wrong, each with its place, and no secret */
export async function givenSettings(options: SettingOptions, wanted: Wanted): Promise<GivenSettings> {
  return usable(await examined(options, wanted));
}

/** @throws SettingsError with everything that is wrong */
function usable({ settings, problems, notes, ...rest }: ExaminedSettings): GivenSettings {
  if (settings === null || problems.length > 0)
    throw new SettingsError('SETTINGS_INVALID', problems.map(({ text }) => text).join('\n'));
  return { ...rest, settings, notes: notes.map(({ text }) => text) };
}

/** What no value is; see {@link examined}. */
const STAND_IN = 'not-known-to-this-command-7b1f4c0e9a52';

/**
 * A file refers to what the member's environment has, and the shell of an operator need not: tokens of the HTTP server,
 * which is none of these commands' business. Whatever else depends on what is not there is a problem as ever.
 */
async function examined(options: SettingOptions, wanted: Wanted): Promise<ExaminedSettings> {
  const { examineSettings } = await import('../settings/resolve.ts');
  const input = await inputOf(options, wanted);
  const strict = await examineSettings(input);
  if (strict.settings !== null) return strict;
  const lenient = await examineSettings({ ...input, standIn: STAND_IN });
  if (lenient.settings === null || lenient.problems.length > 0) return strict;
  const { server: _, ...used } = lenient.settings;
  const texts = [JSON.stringify(used), used.store.connection?.text ?? ''];
  return texts.some((text) => text.includes(STAND_IN)) ? strict : lenient;
}

/** What a command goes by that asks members first, and can do without settings. */
export interface AskedSettings {
  /** Where members keep their things, absolute; as well as one can tell, where settings are wrong. */
  readonly directory: string;
  /** Null where nothing is set, or it is wrong. */
  readonly given: GivenSettings | null;
  /** Members go on by what was good before, and may be asked all the same. */
  readonly wrong: SettingsError | null;
}

export async function settingsIfAny(
  options: SettingOptions,
  flags: readonly SettingOption[],
): Promise<AskedSettings> {
  const { env } = process;
  let directory = resolve(options.dir ?? (env['CONCLAVE_DIR'] || STATE_DIRECTORY));
  try {
    const file = findSettingsFile(options.config, env, process.cwd());
    if (file === null && !hasSettingVariables(env)) return { directory, given: null, wrong: null };
    const found = await examined(options, { flags, withoutStore: true });
    directory = found.settings?.directory ?? directory;
    return { directory, given: usable(found), wrong: null };
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    return { directory, given: null, wrong: error };
  }
}

/**
 * For commands that change something: they do not guess.
 *
 * @throws SettingsError with everything that is wrong
 */
export function unlessWrong({ given, wrong, directory }: AskedSettings): Omit<AskedSettings, 'wrong'> {
  if (wrong !== null) throw wrong;
  return { given, directory };
}

/** Whether a setting was given, rather than being what it is by default. */
export function isGiven({ origins }: GivenSettings, setting: string): boolean {
  return (origins.get(setting)?.layer ?? 'default') !== 'default';
}

async function inputOf(
  { config, ...options }: SettingOptions,
  { flags, withoutStore = false }: Wanted,
): Promise<SettingsInput> {
  const { settingsInput } = await import('./setting-flags.ts');
  const given = flags.map((name) => [name, options[name]] as const);
  return { ...settingsInput({ ...Object.fromEntries(given), config }), withoutStore };
}
