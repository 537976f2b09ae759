import { fileSha, setSha } from './fingerprint.ts';
import type { ConfigFile } from './source.ts';

/**
 * The source bytes of a configuration, as they are kept and passed on: known by their hash, which is compared whenever
 * they come from anywhere but the source itself. Values that the bytes refer to (environment, secrets) are never part
 * of it.
 */
export interface ConfigContent {
  readonly sha: string;
  readonly files: readonly ConfigFile[];
  /** The directory of what the files refer to by relative paths; null: that of the member's own source. */
  readonly directory: string | null;
}

/** Of a text longer than this nothing is read. */
export const CONTENT_TEXT_MAX = 160 * 1024 * 1024;

export function sizeOf({ files }: ConfigContent): number {
  return files.reduce((sum, { bytes }) => sum + bytes.length, 0);
}

/** As text that any store can keep. Names and bytes only: paths are of this host. */
export function encodeContent({ sha, files }: ConfigContent): string {
  const encoded = files.map(({ name, bytes }) => ({ name, base64: Buffer.from(bytes).toString('base64') }));
  return JSON.stringify({ v: 1, sha, files: encoded });
}

/**
 * The content that a text holds, or null if it is not what it says it is.
 *
 * @param pathOf how a file is called in messages
 */
export function decodeContent(
  text: string,
  sha: string,
  pathOf: (name: string) => string,
): ConfigContent | null {
  if (text.length > CONTENT_TEXT_MAX) return null;
  try {
    const { v, files: encoded } = JSON.parse(text) as {
      readonly v: unknown;
      readonly files: readonly { readonly name: string; readonly base64: string }[];
    };
    if (v !== 1) return null;
    const files = encoded.map(({ name, base64 }) => ({
      name,
      path: pathOf(name),
      bytes: Buffer.from(base64, 'base64'),
    }));
    return isKnownBy(files, sha) ? { sha, files, directory: null } : null;
  } catch {
    return null;
  }
}

function isKnownBy(files: readonly ConfigFile[], sha: string): boolean {
  const [only] = files;
  if (only === undefined) return false;
  return setSha(files) === sha || (files.length === 1 && fileSha(only.bytes) === sha);
}
