import { statSync } from 'node:fs';
import { basename, dirname, join, resolve } from 'node:path';
import { ConfigDocument } from '../config/formats/config-document.ts';
import { type ConfigPath, walk } from '../config/formats/config-node.ts';
import { type ConfigFile, readConfig } from '../config/formats/read-config.ts';
import { type ConfigDiagnostic, showDiagnostic } from '../config/diagnostic.ts';
import { placed } from '../config/reload-commentary.ts';
import { fileSource } from '../config/source-files.ts';
import { systemDisk } from '../config/source-system-disk.ts';
import { SettingsError } from '../errors.ts';
import type { Diagnostic } from '../../machines/index.ts';
import type { Environment } from './environment-layer.ts';
import { KNOWN_KEYS, type KnownKey, ROOTS } from './known-keys.ts';

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
  const read = await readConfig(files, { environment, ...(root !== undefined && { root }) });
  if (!read.ok) return refused(read.diagnostics);
  const { root: tree, dependencies } = read.document;
  return {
    ok: true,
    document: new ConfigDocument(tree, dependencies, { secretKeys: secretPaths(read.document) }),
  };
}

function refused(diagnostics: readonly Diagnostic[]): SettingsReading {
  const problems = diagnostics.map((diagnostic) => {
    if (!('excerpt' in diagnostic)) return { diagnostic, text: placed(diagnostic) };
    const clean = withoutUnknownWords(diagnostic as ConfigDiagnostic);
    return { diagnostic: clean, text: showDiagnostic(clean) };
  });
  return { ok: false, problems };
}

/**
 * Where a file cannot be read nobody knows what in it is secret: a line is shown only if it consists of words that are
 * known, and of numbers.
 */
function withoutUnknownWords(diagnostic: ConfigDiagnostic): ConfigDiagnostic {
  const words = diagnostic.excerpt?.match(/[\p{L}\p{N}_]+/gu) ?? [];
  return words.every((word) => KNOWN_WORDS.has(word.toLowerCase()) || /^\d{1,5}$/.test(word))
    ? diagnostic
    : { ...diagnostic, excerpt: null };
}

const KNOWN_WORDS: ReadonlySet<string> = new Set([
  ...ROOTS,
  'true',
  'false',
  'null',
  'file',
  ...namesBelow(KNOWN_KEYS),
]);

function namesBelow({ children }: KnownKey): readonly string[] {
  return [...children].flatMap(([name, known]) => [name, ...namesBelow(known)]);
}

/** All that is not known to be plain: what may hold a secret, and everything that is not ours. */
function secretPaths(document: ConfigDocument): readonly string[] {
  const paths: string[] = [];
  walk(document.root, (node, path) => {
    const known = path.length === 0 ? KNOWN_KEYS : knownAt(path);
    if (known !== null && known.leaf === null && node.kind === 'object') return true;
    const { leaf = null } = known ?? {};
    const isPlain =
      leaf?.kind === 'without-effect' || (leaf?.kind === 'setting' && leaf.name.kind.secret !== true);
    if (!isPlain) paths.push(path.map((segment) => `[${JSON.stringify(String(segment))}]`).join(''));
    return false;
  });
  if (paths.length <= SECRET_PATHS_MAX) return paths;
  // So many keys that are none of ours: then nothing of the file is shown.
  return [...document.root.members.keys()]
    .slice(0, SECRET_PATHS_MAX)
    .map((key) => `[${JSON.stringify(key)}]`);
}

/** Each is compared with each value. */
const SECRET_PATHS_MAX = 200;

function knownAt(path: ConfigPath): KnownKey | null {
  const isRoot = ROOTS.includes(String(path[0]).toLowerCase());
  let at: KnownKey | undefined = KNOWN_KEYS;
  for (const segment of isRoot ? path.slice(1) : path) at = at?.children.get(String(segment).toLowerCase());
  return at ?? null;
}
