import { relative } from 'node:path';
import { SettingsError } from '../errors.ts';
import { compose, type Composed, type SettingsLayers } from './compose.ts';
import type { Environment } from './environment-layer.ts';
import type { Flags } from './flag-layer.ts';
import { placedFinding, placedOrigin, type SettingsFinding } from './findings.ts';
import type { Finding, Origin } from './origin.ts';
import { defaultResource } from './resource-name.ts';
import type { ReadRedis } from './resolve-store.ts';
import type { Settings } from './settings.ts';
import { findSettingsFile } from './settings-given.ts';

/** Settings of this process: the file found and read, everything resolved, each value with its origin. */

export interface SettingsInput {
  /** Path of the settings file; default `CONCLAVE_CONFIG`, else `conclave.hcl` and the like in `cwd`. */
  readonly file?: string;
  /** Usually `process.env`. */
  readonly environment: Environment;
  /** Values of flags by their names without dashes: `{ lease: '30s', port: '9090' }`. */
  readonly flags: Flags;
  /** Where relative paths begin, and where a file is looked for. */
  readonly cwd: string;
  /** How a Redis connection string is understood. */
  readonly readRedis: ReadRedis;
  /** That no store is given is no problem for whoever can learn of it otherwise. */
  readonly withoutStore?: boolean;
  /** What `env()`, `file()` and the like are taken for where they cannot be answered. Without it, that is a problem. */
  readonly standIn?: string;
}

export interface ExaminedSettings {
  /** The whole path of the settings file; null if there is none. */
  readonly file: string | null;
  /** With defaults where there is a problem; null if the file could not be read. */
  readonly settings: Settings | null;
  /** Where each value came from, by its name in {@link Settings}: `leaderElection.leaseDurationMs`. */
  readonly origins: ReadonlyMap<string, Origin>;
  /** Reasons to refuse; all of them at once. */
  readonly problems: readonly SettingsFinding[];
  /** What was understood otherwise than it may have been meant; worth a log line each. */
  readonly notes: readonly SettingsFinding[];
}

export interface ResolvedSettings extends ExaminedSettings {
  readonly settings: Settings;
  /** What a later reading of the file is composed with; for `settingsSchema`. */
  readonly layers: Omit<SettingsLayers, 'file'>;
}

/**
 * Resolves settings, and tells everything that is wrong with them.
 *
 * @throws SettingsError `SETTINGS_INVALID` if it is not clear which file to read
 */
export async function examineSettings(input: SettingsInput): Promise<ExaminedSettings> {
  const { environment, cwd, standIn } = input;
  const file = findSettingsFile(input.file, environment, cwd);
  const layers = layersOf(input);
  if (file === null) return told(compose({ ...layers, file: null }), null, null);
  // Only who has a file loads what reads all formats.
  const { readSettingsFile } = await import('./settings-file.ts');
  const references = { environment, ...(standIn !== undefined && { standIn }) };
  const reading = await readSettingsFile(file, references, shownPath(file, cwd));
  if (reading.ok) return told(compose({ ...layers, file: reading.document.value }), file, reading.document);
  const problems = reading.problems.map(({ text, diagnostic }) => {
    const { file: named, line, column, message } = diagnostic;
    const place = named === null ? {} : { place: { file: named, line: line ?? 1, column: column ?? 1 } };
    return { text, message, origin: { layer: 'file' as const, path: [], ...place } };
  });
  return { file, settings: null, origins: new Map(), problems, notes: [] };
}

/**
 * Resolves settings.
 *
 * @throws SettingsError `SETTINGS_INVALID` with everything that is wrong, each with its place, and no secret
 * @example
 * const { settings, origins, notes } = await resolveSettings({
 *   environment: process.env,
 *   flags: { lease: '30s' },
 *   cwd: process.cwd(),
 *   readRedis: (connection) => ({ name: describeRedis(parseRedis(connection)), notes: [] }),
 * });
 * settings.leaderElection.leaseDurationMs; // 30000
 * origins.get('leaderElection.leaseDurationMs'); // { layer: 'flag', flag: 'lease' }
 */
export async function resolveSettings(input: SettingsInput): Promise<ResolvedSettings> {
  const examined = await examineSettings(input);
  const { settings, problems } = examined;
  if (settings !== null && problems.length === 0) return { ...examined, settings, layers: layersOf(input) };
  throw new SettingsError('SETTINGS_INVALID', problems.map(({ text }) => text).join('\n'));
}

function layersOf({ file: _, standIn: __, ...given }: SettingsInput): Omit<SettingsLayers, 'file'> {
  return { ...given, defaultResource: defaultResource(given.cwd) };
}

function told(
  composed: Composed,
  file: string | null,
  document: Parameters<typeof placedFinding>[1],
): ExaminedSettings {
  const { settings, origins, problems, notes } = composed;
  return {
    file,
    settings,
    origins: new Map([...origins].map(([name, origin]) => [name, placedOrigin(origin, document)])),
    problems: placedFindings(problems, document),
    notes: placedFindings(notes, document),
  };
}

/** More are counted, not told. */
const FINDINGS_MAX = 50;

function placedFindings(
  findings: readonly Finding[],
  document: Parameters<typeof placedFinding>[1],
): readonly SettingsFinding[] {
  const placed = findings.slice(0, FINDINGS_MAX).map((finding) => placedFinding(finding, document));
  const more = findings.length - placed.length;
  if (more === 0) return placed;
  const message = `There are ${more} more of this kind.`;
  return [...placed, { message, text: message, origin: null }];
}

function shownPath(file: string, cwd: string): string {
  const here = relative(cwd, file);
  return here === '' || here.startsWith('..') ? file : here;
}
