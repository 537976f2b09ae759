import { type ConfigDiagnostic, diagnosticAt, diagnosticOfFile } from '../diagnostic.ts';
import { nearest } from '../../suggest.ts';
import type { SecretDeclarations } from '../redact.ts';
import { withoutDeclared } from '../redact-unread.ts';
import { ConfigDocument } from './config-document.ts';
import type { ConfigFormat, FormatResult } from './config-format.ts';
import type { ObjectNode } from './config-node.ts';
import { hclFormat } from './hcl-format.ts';
import { jsonFormat } from './json-format.ts';
import { mergeFiles } from './merge-files.ts';
import { type ConfigReferences, type Dependency, ReferenceTable, ROUNDS_MAX } from './references.ts';
import { decodeText, SourceText } from './source-text.ts';
import { tomlFormat } from './toml-format.ts';
import { yamlFormat } from './yaml-format.ts';

/** The formats there are. */
export const configFormats: readonly ConfigFormat[] = [hclFormat, jsonFormat, yamlFormat, tomlFormat];

/** The format of a file by the end of its name, or null. */
export function formatOf(file: string): ConfigFormat | null {
  const name = file.toLowerCase();
  return configFormats.find(({ extensions }) => extensions.some((ending) => name.endsWith(ending))) ?? null;
}

/** One file of a configuration. */
export interface ConfigFile {
  /** Decides the format, and is what problems are told by. */
  readonly name: string;
  readonly bytes: Uint8Array;
}

export type ConfigReading =
  | { readonly ok: true; readonly document: ConfigDocument }
  | {
      readonly ok: false;
      readonly diagnostics: readonly ConfigDiagnostic[];
      readonly dependencies: readonly Dependency[];
      /** It may work when tried again, although nothing was changed. */
      readonly transient: boolean;
    };

/**
 * Reads a configuration from one or several files, in the order of their names.
 *
 * Never rejects for what the files hold. `references` says what they may refer to.
 *
 * @example
 * const reading = await readConfig([{ name: 'app.hcl', bytes }], { environment: process.env, root: '/etc/app' });
 * if (!reading.ok) console.error(reading.diagnostics.map(showDiagnostic).join('\n'));
 *
 * @throws SettingsError `SETTINGS_INVALID`: a declaration of secret keys is no pattern.
 */
export async function readConfig(
  files: readonly ConfigFile[],
  references: ConfigReferences,
  declarations: SecretDeclarations = {},
): Promise<ConfigReading> {
  const table = new ReferenceTable(references);
  const failed = (diagnostics: readonly ConfigDiagnostic[]): ConfigReading => ({
    ok: false,
    diagnostics,
    dependencies: table.dependencies,
    transient: table.failedForNow && diagnostics.every(({ code }) => code === 'REFERENCE'),
  });
  if (files.length === 0) {
    return failed([diagnosticOfFile('VALUE', 'There is no file to read a configuration from.', null)]);
  }
  const inOrder = files.toSorted((one, other) =>
    one.name < other.name ? -1 : one.name > other.name ? 1 : 0,
  );
  for (let round = 0; round < ROUNDS_MAX; round += 1) {
    const results = inOrder.map((file) => readOne(file, table));
    const diagnostics = results.flatMap((result) => result.diagnostics);
    if (diagnostics.length > 0) return failed(withoutDeclared(diagnostics, files, declarations));
    const roots = results.map((result) => result.node).filter((node): node is ObjectNode => node !== null);
    if (roots.length < results.length) {
      await table.fetch();
      continue;
    }
    const merged = mergeFiles(roots, declarations);
    if (merged.node === null) return failed(merged.diagnostics);
    return { ok: true, document: new ConfigDocument(merged.node, table.dependencies, declarations) };
  }
  const message = `References whose names come out of other references go deeper than ${ROUNDS_MAX} times.`;
  return failed([diagnosticOfFile('LIMIT', message, inOrder[0]?.name ?? null)]);
}

function readOne({ name, bytes }: ConfigFile, table: ReferenceTable): FormatResult {
  const format = formatOf(name);
  if (format === null) return { node: null, diagnostics: [unknownFormat(name)] };
  const source = decodeText(name, bytes);
  if (!(source instanceof SourceText)) {
    return { node: null, diagnostics: [diagnosticOfFile(source.code, source.message, name)] };
  }
  if (source.text.trim() === '') {
    return { node: null, diagnostics: [diagnosticOfFile('VALUE', 'The file is empty.', name)] };
  }
  const result = format.read(source, table);
  if (result.node === null || result.node.kind === 'object') return result;
  const diagnostic = diagnosticAt({
    stage: 'parsing',
    code: 'VALUE',
    message: 'A configuration consists of keys with values; this is something else.',
    source,
    at: result.node.at,
    path: null,
    hidden: null,
  });
  return { node: null, diagnostics: [diagnostic] };
}

function unknownFormat(name: string): ConfigDiagnostic {
  const endings = configFormats.flatMap(({ extensions }) => extensions);
  const ending = /\.[^./\\]*$/.exec(name)?.[0] ?? '';
  const near = ending === '' ? null : nearest(ending, endings);
  const hint = near === null ? '' : ` Did you mean ${near}?`;
  const message = `The end of the file's name does not tell its format.${hint} It is one of ${endings.join(', ')}.`;
  return diagnosticOfFile('FORMAT_UNKNOWN', message, name);
}
