import { statSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import { type ConfigDiagnostic, showDiagnostic } from '../config/diagnostic.ts';
import type { ConfigDocument } from '../config/formats/config-document.ts';
import { readConfig } from '../config/formats/read-config.ts';
import { placed } from '../config/reload-commentary.ts';
import { fileSource } from '../config/source-files.ts';
import { systemDisk } from '../config/source-system-disk.ts';
import { validateConfig } from '../config/validate.ts';
import { KeyClasses } from '../config/validate-key-classes.ts';
import type { ConfigSchema } from '../config/validate-schema.ts';
import type { Diagnostic } from '../../machines/index.ts';
import { ConfigError, SettingsError } from '../errors.ts';
import { EXIT, printJson } from './output.ts';

/** Configurations in files, as the `config` commands read them: by the same code as a member. */

/** @throws ConfigError `CONFIG_INVALID` with every diagnostic */
export async function readFiles(paths: readonly string[]): Promise<ConfigDocument> {
  const [first = ''] = paths;
  const isDirectory =
    paths.length === 1 && statSync(first, { throwIfNoEntry: false })?.isDirectory() === true;
  const source = fileSource(systemDisk, isDirectory ? { directory: first } : { files: paths });
  const reading = await source.read();
  if (reading.kind !== 'read') throw refused(reading.diagnostics);
  const files = reading.files.map(({ path, bytes }) => ({ name: path, bytes }));
  const read = await readConfig(files, { environment: process.env, root: reading.realDirectory });
  if (read.ok) return read.document;
  throw refused(read.diagnostics);
}

/**
 * Checks by the schema that a module exports as its default; without one there is nothing more to check.
 *
 * @throws ConfigError `CONFIG_INVALID`; SettingsError if the module has no schema
 */
export async function checkBySchema(
  document: ConfigDocument,
  module: string | undefined,
): Promise<readonly ConfigDiagnostic[]> {
  if (module === undefined) return [];
  const schema = await schemaOf(module);
  const validation = await validateConfig(document, schema, new KeyClasses(), null);
  if (!validation.ok) throw refused(validation.diagnostics);
  return validation.warnings;
}

async function schemaOf(module: string): Promise<ConfigSchema<unknown>> {
  let exported: { readonly default?: unknown };
  try {
    exported = (await import(pathToFileURL(resolve(module)).href)) as typeof exported;
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsError('SETTINGS_INVALID', `--schema ${module} cannot be loaded: ${reason}`, {
      cause: error,
    });
  }
  const schema = exported.default;
  if (typeof schema === 'object' && schema !== null && '~standard' in schema)
    return schema as ConfigSchema<unknown>;
  throw new SettingsError(
    'SETTINGS_INVALID',
    `--schema ${module} has no Standard Schema as its default export. Write: export default z.object({ … });`,
  );
}

const refused = (diagnostics: readonly Diagnostic[]): ConfigError =>
  new ConfigError('CONFIG_INVALID', diagnostics.map(shown).join('\n'), { diagnostics });

/** With the source line and a caret, where there is one. */
export const shown = (diagnostic: Diagnostic): string =>
  'excerpt' in diagnostic ? showDiagnostic(diagnostic as ConfigDiagnostic) : placed(diagnostic);

/** Runs a command over configurations; an invalid one is told in full, and exits 1. */
export async function reportingInvalid(json: true | undefined, act: () => Promise<void>): Promise<void> {
  try {
    await act();
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    process.exitCode = EXIT.failure;
    if (json) printJson({ valid: false, diagnostics: error.diagnostics });
    else process.stderr.write(`${error.message}\n`);
  }
}
