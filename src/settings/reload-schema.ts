import type { SecretsOfVocabulary } from '../config/config-reader.ts';
import type { KeyClass } from '../config/validate-key-classes.ts';
import type { ConfigSchema } from '../config/validate-schema.ts';
import { CATALOGUE, SETTING_IDS } from './catalogue.ts';
import { compose, type SettingsLayers } from './compose.ts';
import type { Environment } from './environment-layer.ts';
import { type Finding, showOrigin } from './origin.ts';
import type { Settings } from './settings.ts';
import { SETTINGS_VOCABULARY } from './vocabulary.ts';

/** Settings reloaded while a member runs: what `createConfigReload` needs to read its own settings file. */

/**
 * When a changed setting takes effect, by its name in {@link Settings}. Timings of leases hold from the next term on,
 * the log level at once; prefixes, ports, stores and everything else after a restart.
 */
export const SETTINGS_KEYS: Readonly<Record<string, KeyClass>> = {
  '*': 'restart',
  ...Object.fromEntries(
    SETTING_IDS.map((id) => CATALOGUE[id])
      .filter(({ reload }) => reload !== 'restart')
      .map(({ setting, reload }) => [setting, reload]),
  ),
};

/** Keys of settings files that are secret besides those whose names say so. */
const SECRET_KEYS: readonly string[] = SETTING_IDS.flatMap((id) =>
  CATALOGUE[id].names.filter(({ kind }) => kind.secret === true).flatMap(({ path }) => [path, `*.${path}`]),
);

/** What of a settings file must not be shown; for `secrets` of `createConfigReload`. */
export const settingsSecrets = (environment: Environment): SecretsOfVocabulary => ({
  environment,
  keys: SECRET_KEYS,
  vocabulary: SETTINGS_VOCABULARY,
});

/**
 * The schema of a settings file: what it makes of the file is all settings, with the environment and the flags of this
 * process over it.
 *
 * @param layers as `resolveSettings` returned them
 * @param onNotes told what is worth a log line, at each reading
 * @example
 * const { settings, file, layers } = await resolveSettings(input);
 * const reload = createConfigReload({
 *   source: file,
 *   schema: settingsSchema(layers),
 *   keys: SETTINGS_KEYS,
 *   secrets: settingsSecrets(layers.environment),
 * });
 */
export function settingsSchema(
  layers: Omit<SettingsLayers, 'file'>,
  onNotes: (notes: readonly string[]) => void = () => {},
): ConfigSchema<Settings> {
  return {
    '~standard': {
      version: 1,
      vendor: 'conclave',
      validate: (file) => {
        const { settings, problems, notes } = compose({ ...layers, file });
        if (problems.length > 0) return { issues: problems.map(issueOf) };
        if (notes.length > 0) onNotes(notes.map(line));
        return { value: settings };
      },
    },
  };
}

/** The file's own places are told by who read it; others have none in it. */
function issueOf(finding: Finding): {
  readonly message: string;
  readonly path: readonly (string | number)[];
} {
  const { origin } = finding;
  if (origin?.layer === 'file') return { message: withOther(finding), path: origin.path };
  return { message: line(finding), path: [] };
}

function line(finding: Finding): string {
  const { origin } = finding;
  const where = origin === null || origin.layer === 'default' ? '' : `${showOrigin(origin)}: `;
  return where + withOther(finding);
}

const withOther = ({ message, other }: Finding): string =>
  other === undefined ? message : `${message} ${showOrigin(other)}.`;
