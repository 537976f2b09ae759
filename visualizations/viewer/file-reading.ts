import { FileRefused, type JournalFile, readJournalFile } from './journal-file.ts';
import type { NamedFile } from './model.ts';
import type { ReadFile } from './streams.ts';

/**
 * Reads files. Checksums of large ones are compared at the same time by another worker: nothing is shown before both
 * are done.
 */

export const bytesOf = async (content: Blob): Promise<Uint8Array> =>
  new Uint8Array(await content.arrayBuffer());

/**
 * What can be read of each, in the same order.
 *
 * @param checked How far the checksums of each are good; null where nobody else compares them.
 */
export async function readFiles(
  files: readonly NamedFile[],
  checked: Promise<readonly number[]> | null,
): Promise<ReadFile[]> {
  const loose: (JournalFile | null)[] = [];
  if (checked !== null) for (const file of files) loose.push(await readUnchecked(file));
  const until = (await checked) ?? [];
  const read: ReadFile[] = [];
  for (const [at, file] of files.entries()) {
    const own = loose[at] ?? null;
    const isGood = own !== null && (until[at] ?? 0) >= own.end;
    read.push({ name: file.name, read: isGood ? own : await readStrictly(file) });
  }
  return read;
}

/** Null if there is anything to be said of it: that is done when its lines are known to be as they were written. */
async function readUnchecked({ name, content }: NamedFile): Promise<JournalFile | null> {
  try {
    const read = readJournalFile(name, await bytesOf(content), { checksums: false });
    return read.problem === null ? read : null;
  } catch {
    return null;
  }
}

async function readStrictly({ name, content }: NamedFile): Promise<JournalFile | FileRefused> {
  try {
    return readJournalFile(name, await bytesOf(content), { checksums: true });
  } catch (error) {
    if (error instanceof FileRefused) return error;
    if (error instanceof DOMException)
      return new FileRefused(
        `${name} cannot be read (${error.name}): it was moved or changed. Open it again.`,
      );
    throw error;
  }
}
