import { SettingsError } from '../../errors.ts';
import type { ConfigPath } from './config-node.ts';

/**
 * Names of keys with `*` for any one key or index: `server.port`, `cache.*.connection`, `tokens[0]`,
 * `labels["app.kubernetes.io/name"]`. A pattern means the key and everything in it.
 */
export class PathPattern {
  readonly text: string;
  readonly segments: readonly string[];

  /** @throws SettingsError `SETTINGS_INVALID`: the text is no pattern. */
  constructor(text: string) {
    this.text = text;
    this.segments = segmentsOf(text);
  }

  /** Whether the path is this key or something in it. */
  covers(path: ConfigPath): boolean {
    return (
      path.length >= this.segments.length &&
      this.segments.every((segment, index) => segment === '*' || segment === String(path[index]))
    );
  }

  /** Whether this key is somewhere in what the path leads to. */
  reachesInto(path: ConfigPath): boolean {
    return (
      path.length < this.segments.length &&
      path.every((segment, index) => this.segments[index] === '*' || this.segments[index] === String(segment))
    );
  }

  /** Of two patterns that cover a path, the one that says more about it: the longer, then the one with fewer `*`. */
  outranks(other: PathPattern): boolean {
    if (this.segments.length !== other.segments.length) return this.segments.length > other.segments.length;
    for (const [index, segment] of this.segments.entries()) {
      const isStar = segment === '*';
      if (isStar !== (other.segments[index] === '*')) return !isStar;
    }
    return false;
  }
}

const segmentPattern = /\[("(?:[^"\\]|\\.)*"|\d+|\*)\]|(^|\.)([^.[\]"]+)/y;

function segmentsOf(text: string): readonly string[] {
  const segments: string[] = [];
  let at = 0;
  while (at < text.length) {
    segmentPattern.lastIndex = at;
    const match = segmentPattern.exec(text);
    if (match === null) throw notAPattern(text);
    const [whole, bracketed, , plain] = match;
    segments.push(
      plain ?? (bracketed?.startsWith('"') === true ? unquoted(bracketed, text) : (bracketed ?? '')),
    );
    at += whole.length;
  }
  if (segments.length === 0) throw notAPattern(text);
  return segments;
}

function unquoted(quoted: string, text: string): string {
  try {
    return JSON.parse(quoted) as string;
  } catch {
    throw notAPattern(text);
  }
}

function notAPattern(text: string): SettingsError {
  return new SettingsError(
    'SETTINGS_INVALID',
    `${JSON.stringify(text)} does not name keys. Write them with dots, * for any one key: server.port, cache.*.prefix, ["odd.key"].`,
  );
}
