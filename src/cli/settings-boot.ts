import { statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { inputAfterCrash } from '../../machines/index.ts';
import { schemaReader } from '../config/config-reader.ts';
import type { ConfigContent } from '../config/content.ts';
import { diskLastGood } from '../config/last-good-disk.ts';
import { contentOf } from '../config/reload-contents.ts';
import { fileSource } from '../config/source-files.ts';
import { systemDisk } from '../config/source-system-disk.ts';
import { SettingsError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import { settingsSchema } from '../settings/reload-schema.ts';
import { examineSettings, type ExaminedSettings, type SettingsInput } from '../settings/resolve.ts';
import { defaultResource } from '../settings/resource-name.ts';
import type { Settings } from '../settings/settings.ts';
import { forPeople } from './member-places.ts';
import { takeStateDirectory, type StateDirectory } from './state-directory.ts';

/**
 * What a member starts with: what its settings file says, but for a file that killed an earlier process or cannot be
 * used. Then, if there is one, what was good before; the reload that begins later comes to the same conclusion.
 */

export interface BootedSettings extends Pick<ExaminedSettings, 'file' | 'origins'> {
  readonly settings: Settings;
  readonly layers: Parameters<typeof settingsSchema>[0];
  /** For the reload of the settings file; null without one. */
  readonly state: StateDirectory | null;
  /** What is worth a log line each. */
  readonly warnings: readonly string[];
}

/** @throws SettingsError with everything that is wrong, each with its place, and no secret */
export async function bootSettings(input: SettingsInput): Promise<BootedSettings> {
  const examined = await examineSettings(input);
  const { file, settings, origins, problems, notes } = examined;
  const { environment, flags, cwd, readRedis: reader } = input;
  const layers = { environment, flags, cwd, readRedis: reader, defaultResource: defaultResource(cwd) };
  const warnings = notes.map(({ text }) => text);
  const state = file === null ? null : await stateOf(examined, input);
  try {
    const before = file === null || state === null ? null : await lastGood(file, state.path, layers);
    if (before !== null && (problems.length > 0 || before.killed)) {
      const why = before.killed
        ? `${forPeople(before.file)} was new when an earlier process ended, and counts as what ended it`
        : `${forPeople(before.file)} cannot be used: ${problems.map(({ text }) => text).join('\n')}`;
      warnings.push(`${why}. The last good settings are in force; correct the file, or reload with --force.`);
      return { file, origins, layers, state, warnings, settings: before.settings };
    }
    if (settings === null || problems.length > 0)
      throw new SettingsError('SETTINGS_INVALID', problems.map(({ text }) => text).join('\n'));
    return { file, origins, layers, state, warnings, settings };
  } catch (error) {
    await state?.[Symbol.asyncDispose]();
    throw error;
  }
}

/** Without settings that can be read, only flags and the environment say where to look. */
function stateOf({ file, settings }: ExaminedSettings, { environment, flags, cwd }: SettingsInput) {
  const named = flags['dir'] ?? environment['CONCLAVE_DIR'];
  const directory = settings?.directory ?? join(cwd, typeof named === 'string' ? named : '.conclave');
  return takeStateDirectory(join(directory, 'config'), file ?? '');
}

interface LastGoodSettings {
  readonly file: string;
  readonly settings: Settings;
  /** Whether what the file holds now is what an earlier process ended with. */
  readonly killed: boolean;
}

async function lastGood(
  file: string,
  directory: string,
  layers: BootedSettings['layers'],
): Promise<LastGoodSettings | null> {
  const memory = diskLastGood(directory, { randomness: systemRandomness, logger: silentLogger });
  if (memory.left === null) return null;
  const { lastGood: good, knownBad } = inputAfterCrash(memory.left);
  const content = good && (await memory.content(good.sha));
  const settings = content && (await read(content, memory.key, file, layers));
  if (settings === null) return null;
  const present = await fileSource(systemDisk, sourceOf(file)).read();
  const isKnown = (sha: string) => knownBad.some((each) => each.sha === sha && each.stage === 'watching');
  return { file, settings, killed: present.kind === 'read' && isKnown(contentOf(present).sha) };
}

async function read(
  content: ConfigContent,
  key: string,
  file: string,
  layers: BootedSettings['layers'],
): Promise<Settings | null> {
  const reader = schemaReader({ schema: settingsSchema(layers), key, directory: dirname(file) });
  const parsed = await reader.parse(content);
  if (parsed.kind === 'refused') return null;
  const checked = await reader.check(parsed, null);
  return checked.kind === 'refused' ? null : checked.value;
}

/** A settings file may be a directory of files that belong together. */
export function sourceOf(file: string): { readonly directory: string } | { readonly files: string } {
  const isDirectory = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true;
  return isDirectory ? { directory: file } : { files: file };
}
