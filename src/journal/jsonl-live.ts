import { createReadStream } from 'node:fs';
import { open, rename, stat, type FileHandle } from 'node:fs/promises';
import { SettingsError } from '../errors.ts';
import { runtimeVersion } from '../runtime/identity.ts';
import type { Claim } from './durable-claim.ts';
import type { OnNotice } from './durable-notice.ts';
import { JOURNAL_FORMAT } from './journal.ts';
import { encodeLine } from './jsonl-format.ts';
import { JsonlIndex } from './jsonl-index.ts';
import { leaveLock, takeLock } from './jsonl-lock.ts';
import { scanJsonl, type JsonlTail } from './jsonl-read.ts';

/** A live journal that is ours to write. */
export interface LiveJsonl {
  readonly handle: FileHandle;
  readonly index: JsonlIndex;
  /** Offset behind its last whole line. */
  readonly size: number;
}

/** Takes the lock of a live journal, makes the file if there is none, reads it, and repairs its end. */
export async function openLive(path: string, claim: Claim, onNotice: OnNotice): Promise<LiveJsonl> {
  await takeLock(path, claim, onNotice);
  let handle: FileHandle | null = null;
  try {
    await createIfEmpty(path);
    const { index, tail } = await indexLive(path);
    handle = await open(path, 'r+');
    return { handle, index, size: await repair(path, handle, tail, onNotice) };
  } catch (error) {
    await handle?.close();
    await leaveLock(path, claim).catch(() => {});
    throw error;
  }
}

async function repair(
  path: string,
  handle: FileHandle,
  { end, torn, unterminated }: JsonlTail,
  onNotice: OnNotice,
): Promise<number> {
  if (torn > 0) {
    await handle.truncate(end);
    await handle.datasync();
    const message = `${path}: cut off ${torn} bytes of a record that was never finished.`;
    onNotice({ kind: 'repaired', stream: null, message });
  }
  return unterminated ? end + (await handle.write('\n', end)).bytesWritten : end;
}

/** Reads the whole file for what is in it and how it ends. */
async function indexLive(path: string): Promise<{ index: JsonlIndex; tail: JsonlTail }> {
  const index = new JsonlIndex();
  const lines = scanJsonl(createReadStream(path), path);
  for (;;) {
    const { done, value } = await lines.next();
    if (done === true) return { index, tail: value };
    if (value.type === 'header' && value.header.form === 'export') {
      throw new SettingsError(
        'SETTINGS_INVALID',
        `${path} is an export, which is finished; write to another path. It was left untouched.`,
      );
    }
    index.add(value);
  }
}

/** The header appears with the file, so that a journal never lacks it. */
async function createIfEmpty(path: string): Promise<void> {
  const size = await stat(path).then(
    (found) => found.size,
    (error: unknown) => {
      if ((error as NodeJS.ErrnoException).code === 'ENOENT') return 0;
      throw error;
    },
  );
  if (size > 0) return;
  const aside = `${path}.new`;
  const file = await open(aside, 'w');
  try {
    const runtime = runtimeVersion();
    await file.writeFile(
      encodeLine({
        conclave: 'journal',
        format: JOURNAL_FORMAT,
        form: 'live',
        runtime,
        machines: [],
        streams: [],
      }),
    );
    await file.datasync();
  } finally {
    await file.close();
  }
  await rename(aside, path);
}
