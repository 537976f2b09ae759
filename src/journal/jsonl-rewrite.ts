import { createReadStream } from 'node:fs';
import { open, rename, rm, type FileHandle } from 'node:fs/promises';
import { dirname } from 'node:path';
import { trimmedRecord, type Checkpoint } from './checkpoint.ts';
import { encodeLine } from './jsonl-format.ts';
import { JsonlIndex } from './jsonl-index.ts';
import { scanJsonl, type JsonlLine } from './jsonl-read.ts';

/** What a file is written anew without. */
export interface Cuts {
  /** Stream → the checkpoint at whose record it shall begin. */
  readonly checkpoints: ReadonlyMap<string, Checkpoint>;
  /** Streams to leave out altogether. */
  readonly forgotten: ReadonlySet<string>;
}

const CHUNK_BYTES = 64 * 1024;

/**
 * Writes a live journal anew without what `cuts` names, beside it, and moves it into its place when it is on disk:
 * at every moment there is one whole journal under the name. Reads and writes in chunks, so that nothing waits long.
 * The caller makes the rename durable (`syncDirectory`) before it confirms anything written to the new file.
 */
export async function rewriteJsonl(path: string, cuts: Cuts): Promise<{ index: JsonlIndex; size: number }> {
  const aside = `${path}.new`;
  const index = new JsonlIndex();
  let size = 0;
  const target = await open(aside, 'w');
  try {
    let chunk: Uint8Array[] = [];
    let waiting = 0;
    const flush = async (): Promise<void> => {
      await target.appendFile(Buffer.concat(chunk));
      chunk = [];
      waiting = 0;
    };
    for await (const line of scanJsonl(createReadStream(path), path)) {
      const kept = keep(line, cuts);
      if (kept === null) continue;
      index.add({ ...kept, frame: { ...kept.frame, offset: size, end: size + kept.frame.raw.length } });
      size += kept.frame.raw.length;
      chunk.push(kept.frame.raw);
      waiting += kept.frame.raw.length;
      if (waiting >= CHUNK_BYTES) await flush();
    }
    await flush();
    await target.datasync();
  } catch (error) {
    await rm(aside, { force: true }).catch(() => {});
    throw error;
  } finally {
    await target.close();
  }
  await rename(aside, path);
  return { index, size };
}

function keep(line: JsonlLine, { checkpoints, forgotten }: Cuts): JsonlLine | null {
  if (line.type === 'header') return line;
  const [stream, seq] =
    line.type === 'record'
      ? [line.record.stream, line.record.seq]
      : [line.line.stream, line.line.checkpoint.seq];
  if (forgotten.has(stream)) return null;
  const cut = checkpoints.get(stream);
  if (cut === undefined || seq > cut.seq) return line;
  if (seq < cut.seq || line.type === 'checkpoint') return null;
  const record = line.record.kind === 'trimmed' ? line.record : trimmedRecord(line.record, cut);
  return { type: 'record', record, frame: { ...line.frame, raw: encodeLine(record) } };
}

/** Makes a created or renamed entry of a directory durable. */
export async function syncDirectory(path: string): Promise<void> {
  const directory: FileHandle = await open(dirname(path), 'r');
  try {
    await directory.sync();
  } finally {
    await directory.close();
  }
}
