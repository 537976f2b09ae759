import { statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import { SettingsError } from '../errors.ts';

/**
 * Whether anything is set at all: which file, and whether there are variables that may be settings. It knows no setting,
 * so that a command that is told nothing loads nothing that knows them.
 */

type Environment = Readonly<Record<string, string | undefined>>;

/** What is looked for where no file is named. */
export const SETTINGS_FILES: readonly string[] = [
  'conclave.hcl',
  'conclave.yaml',
  'conclave.yml',
  'conclave.json',
  'conclave.jsonc',
  'conclave.toml',
];

/**
 * The settings file: the one that is named (`--config`), else `CONCLAVE_CONFIG`, else the one of {@link SETTINGS_FILES}
 * in the working directory; null if there is none.
 *
 * @throws SettingsError `SETTINGS_INVALID` if there are several, and nothing says which
 */
export function findSettingsFile(
  named: string | undefined,
  environment: Environment,
  cwd: string,
): string | null {
  const given = named ?? (environment['CONCLAVE_CONFIG'] || undefined);
  if (given?.trim() === '')
    throw new SettingsError(
      'SETTINGS_INVALID',
      'The settings file has an empty name. Name it, or leave --config out.',
    );
  if (given !== undefined) return resolve(cwd, given);
  const found = SETTINGS_FILES.filter((name) =>
    statSync(join(cwd, name), { throwIfNoEntry: false })?.isFile(),
  );
  const [first, second] = found;
  if (second !== undefined)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `There are several settings files: ${found.join(' and ')}. Remove all but one, or name one by --config.`,
    );
  return first === undefined ? null : join(cwd, first);
}

export const PREFIX = 'CONCLAVE_';

/** Names that begin like ours and mean something else: `run` gives them to its command, or they are read elsewhere. */
export const NO_SETTINGS: ReadonlySet<string> = new Set([
  'CONCLAVE_CONFIG',
  'CONCLAVE_LEASE_TOKEN',
  'CONCLAVE_LEASE_TERM',
  'CONCLAVE_LEASE_RESOURCE',
]);

/** What a pod has anyway says nothing of what is wanted. */
export const OF_A_POD: ReadonlySet<string> = new Set(['POD_NAME', 'POD_NAMESPACE']);

/** The name of a setting that other programs read, too. */
const SHARED_VARIABLE = 'REDIS_CONNECTION_STRING';

/** Whether some variable may say what is wanted. Some that may do not; one that does is never missed. */
export function hasSettingVariables(environment: Environment): boolean {
  return Object.entries(environment).some(([variable, value = '']) => {
    if (value.trim() === '') return false;
    const name = variable.toUpperCase();
    const isOurs = name.startsWith(PREFIX) && !NO_SETTINGS.has(name);
    return isOurs || name.includes('__') || variable === SHARED_VARIABLE;
  });
}
