import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import type { ConfigDocument } from '../config/formats/config-document.ts';
import { type ConfigFile, readConfig } from '../config/formats/read-config.ts';
import { type ConfigDiagnostic, showDiagnostic } from '../config/diagnostic.ts';
import { placed } from '../config/reload-commentary.ts';
import { fileSource } from '../config/source-files.ts';
import { systemDisk } from '../config/source-system-disk.ts';
import { SettingsError } from '../errors.ts';
import type { Diagnostic } from '../../machines/index.ts';
import type { Environment } from './environment-layer.ts';
import { SETTINGS_VOCABULARY } from './vocabulary.ts';

/** The settings file: which one, and what it holds. */

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

export type SettingsReading =
  | { readonly ok: true; readonly document: ConfigDocument }
  | { readonly ok: false; readonly problems: readonly ReadingProblem[] };

export interface ReadingProblem {
  readonly text: string;
  readonly diagnostic: Diagnostic;
}

/**
 * Reads a settings file, or a directory of files that belong together. Never rejects for what is in it.
 *
 * @param shown what it is called in messages
 */
export async function readSettingsFile(
  path: string,
  environment: Environment,
  shown: string,
): Promise<SettingsReading> {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const source = fileSource(systemDisk, isDirectory ? { directory: path } : { files: path });
  const reading = await source.read();
  if (reading.kind !== 'read') return refused(reading.diagnostics);
  const nameOf = (file: string) => (isDirectory ? join(shown, basename(file)) : shown);
  const files = reading.files.map(({ path: file, bytes }) => ({ name: nameOf(file), bytes }));
  return readSettingsText(files, environment, isDirectory ? reading.realDirectory : dirname(path));
}

/** The same for files that are read already; `root` is what `file()` stays in. */
export async function readSettingsText(
  files: readonly ConfigFile[],
  environment: Environment,
  root?: string,
): Promise<SettingsReading> {
  const references = { environment, ...(root !== undefined && { root }) };
  const read = await readConfig(files, references, { vocabulary: SETTINGS_VOCABULARY });
  return read.ok ? read : refused(read.diagnostics);
}

function refused(diagnostics: readonly Diagnostic[]): SettingsReading {
  const problems = diagnostics.map((diagnostic) => ({
    diagnostic,
    text: 'excerpt' in diagnostic ? showDiagnostic(diagnostic as ConfigDiagnostic) : placed(diagnostic),
  }));
  return { ok: false, problems };
}
