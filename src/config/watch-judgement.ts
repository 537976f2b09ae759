import type { SourceReading } from './source.ts';

/** Which findings are believed at once, and which may be somebody's half-done work. Pure. */

/** What the watch knows a reading by. */
export interface Finding {
  /** The SHA-256 of the set, or what is wrong with it: equal if there is nothing new to tell. */
  readonly identity: string;
  readonly kind: SourceReading['kind'];
  /** Bytes of each file by name; empty where nothing could be read. */
  readonly sizes: ReadonlyMap<string, number>;
  readonly problem: string | null;
}

export function findingOf(reading: SourceReading): Finding {
  if (reading.kind === 'read') {
    const sizes = new Map(reading.files.map(({ name, bytes }) => [name, bytes.length]));
    return { identity: reading.sha, kind: 'read', sizes, problem: null };
  }
  const { kind, diagnostics } = reading;
  const identity = diagnostics.map(({ code, file }) => problemIdentity(code, file)).join('\n');
  return { identity, kind, sizes: new Map(), problem: diagnostics[0].message };
}

/** What a single file that is not there is known by. */
export function missingIdentity(path: string): string {
  return problemIdentity('CONFIG_MISSING', path);
}

function problemIdentity(code: string, file: string | null): string {
  return `${code} ${file}`;
}

/**
 * Why a finding should be seen once more before anybody acts on it; null if there is no reason to wait. Writers empty a
 * file before they fill it, and remove it before they put another in its place.
 *
 * @param good sizes of the last content that was readable; null if there was none.
 */
export function suspicionOf(good: ReadonlyMap<string, number> | null, found: Finding): string | null {
  if (good === null) return null;
  if (found.problem !== null) return found.problem;
  for (const [name, before] of good) {
    const now = found.sizes.get(name);
    if (now === undefined) return `${name} has vanished.`;
    if (now * 2 < before) return `${name} shrank from ${before} to ${now} bytes.`;
  }
  return null;
}
