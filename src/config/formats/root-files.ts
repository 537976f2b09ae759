import { constants } from 'node:fs';
import { open, realpath } from 'node:fs/promises';
import { isAbsolute, relative, resolve, sep } from 'node:path';
import type { Answer } from './references.ts';
import { decodeText, FILE_BYTES_MAX, SourceText } from './source-text.ts';

/**
 * Reads a text file for `file()`. Guarantee: only regular files inside the root are read, wherever symbolic links
 * lead; a path that leaves the root is refused whether or not there is anything.
 */
export async function readInside(root: string, path: string): Promise<Answer> {
  if (path === '' || path.includes('\0')) return missing('that is not the path of a file');
  try {
    const base = await realpath(root);
    if (!isInside(base, resolve(base, path))) return missing('it is outside the configuration directory');
    const real = await realpath(resolve(base, path));
    if (!isInside(base, real)) return missing('it leads outside the configuration directory');
    return await readRegular(real);
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'UNKNOWN';
    if (code === 'ENOENT' || code === 'ENOTDIR') return missing('there is no such file');
    return { state: 'missing', reason: `it cannot be read (${code})`, transient: code !== 'EACCES' };
  }
}

async function readRegular(path: string): Promise<Answer> {
  // NONBLOCK: opening a FIFO must not wait for a writer. NOFOLLOW: what was resolved is what is opened.
  const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOFOLLOW;
  await using handle = await open(path, flags);
  const stat = await handle.stat();
  if (!stat.isFile()) return missing('it is not a regular file');
  if (stat.size > FILE_BYTES_MAX) return missing(`it has more than ${FILE_BYTES_MAX} bytes`);
  const buffer = Buffer.alloc(FILE_BYTES_MAX + 1);
  let size = 0;
  for (;;) {
    const { bytesRead } = await handle.read(buffer, size, buffer.length - size, size);
    if (bytesRead === 0) break;
    size += bytesRead;
  }
  const text = decodeText(path, buffer.subarray(0, size));
  if (!(text instanceof SourceText)) return missing('it is too large, or not UTF-8');
  return { state: 'found', value: text.text, secret: true };
}

function isInside(base: string, path: string): boolean {
  const way = relative(base, path);
  return way !== '' && way !== '..' && !way.startsWith(`..${sep}`) && !isAbsolute(way);
}

function missing(reason: string): Answer {
  return { state: 'missing', reason, transient: false };
}
