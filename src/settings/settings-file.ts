import { statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { ConfigDocument } from '../config/formats/config-document.ts';
import { type ConfigFile, readConfig } from '../config/formats/read-config.ts';
import { type ConfigDiagnostic, showDiagnostic } from '../config/diagnostic.ts';
import type { ConfigReferences } from '../config/formats/references.ts';
import { placed } from '../config/reload-commentary.ts';
import { fileSource } from '../config/source-files.ts';
import { systemDisk } from '../config/source-system-disk.ts';
import type { Diagnostic } from '../../machines/index.ts';
import { SETTINGS_VOCABULARY } from './vocabulary.ts';

/** What the settings file holds; which file that is says `settings-given.ts`. */

export type SettingsReading =
  | { readonly ok: true; readonly document: ConfigDocument }
  | { readonly ok: false; readonly problems: readonly ReadingProblem[] };

/** What the file may refer to, besides files beside it. */
export type SettingsReferences = Pick<ConfigReferences, 'environment' | 'standIn'>;

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
  references: SettingsReferences,
  shown: string,
): Promise<SettingsReading> {
  const isDirectory = statSync(path, { throwIfNoEntry: false })?.isDirectory() === true;
  const source = fileSource(systemDisk, isDirectory ? { directory: path } : { files: path });
  const reading = await source.read();
  if (reading.kind !== 'read') return refused(reading.diagnostics);
  const nameOf = (file: string) => (isDirectory ? join(shown, basename(file)) : shown);
  const files = reading.files.map(({ path: file, bytes }) => ({ name: nameOf(file), bytes }));
  return readSettingsText(files, references, isDirectory ? reading.realDirectory : dirname(path));
}

/** The same for files that are read already; `root` is what `file()` stays in. */
export async function readSettingsText(
  files: readonly ConfigFile[],
  references: SettingsReferences,
  root?: string,
): Promise<SettingsReading> {
  const all = { ...references, ...(root !== undefined && { root }) };
  const read = await readConfig(files, all, { vocabulary: SETTINGS_VOCABULARY });
  return read.ok ? read : refused(read.diagnostics);
}

function refused(diagnostics: readonly Diagnostic[]): SettingsReading {
  const problems = diagnostics.map((diagnostic) => ({
    diagnostic,
    text: 'excerpt' in diagnostic ? showDiagnostic(diagnostic as ConfigDiagnostic) : placed(diagnostic),
  }));
  return { ok: false, problems };
}
