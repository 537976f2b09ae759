import { open, stat, type FileHandle } from 'node:fs/promises';
import { ConclaveError, JournalError } from '../errors.ts';
import { chainAfter, trimmedRecord, type Checkpoint } from './checkpoint.ts';
import { sealRecord } from './codec.ts';
import type { Parcel } from './durable-backlog.ts';
import type { Claim } from './durable-claim.ts';
import type { OnNotice } from './durable-notice.ts';
import { movedAway } from './durable-path.ts';
import { DURABLE_STREAMS_MAX } from './durable-retention.ts';
import type { Claimed } from './durable-writer.ts';
import type { JournalRecord } from './journal.ts';
import { encodeLine, type JsonlCheckpoint } from './jsonl-format.ts';
import { JsonlIndex, type CheckpointPlace } from './jsonl-index.ts';
import { openLive } from './jsonl-live.ts';
import { holdsLock, leaveLock } from './jsonl-lock.ts';
import { rewriteJsonl, syncDirectory, type Cuts } from './jsonl-rewrite.ts';

export interface JsonlFileOptions {
  readonly path: string;
  readonly bytesMax: number;
  readonly claim: Claim;
  readonly onNotice: OnNotice;
  /** Whether this process writes the stream at present. */
  readonly isWritten: (stream: string) => boolean;
}

interface Line {
  readonly value: JournalRecord | JsonlCheckpoint;
  readonly bytes: Buffer;
}

interface Append {
  readonly lines: readonly Line[];
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

/**
 * The writing end of a live JSONL journal. What arrives while the disk is busy goes into one write and one fdatasync.
 * Each write is placed where the last confirmed one ended: whatever a failed attempt left behind is overwritten.
 */
export class JsonlFile {
  readonly #options: JsonlFileOptions;
  /** Null while the file is not open: before the first claim, after a rewrite, and for good once closed. */
  #handle: FileHandle | null = null;
  #closed = false;
  /** Whether the name of the file may still lead to an older one after a power cut. */
  #renamed = true;
  #opening: Promise<void> | null = null;
  #index = new JsonlIndex();
  /** Bytes that are confirmed. */
  #size = 0;
  /** Whether there may be bytes behind them. */
  #dirty = false;
  #compactAt: number;
  readonly #waiting: Append[] = [];
  /** One thing at a time happens to the file. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(options: JsonlFileOptions) {
    this.#options = options;
    this.#compactAt = options.bytesMax;
  }

  async claim(stream: string): Promise<Claimed> {
    await this.open();
    return { head: this.#index.head(stream), origin: this.#index.origin(stream) };
  }

  /** Takes the lock, reads the file, repairs its end. Can be tried again. */
  open(): Promise<void> {
    this.#opening ??= this.#alone(() => this.#open()).catch((error: unknown) => {
      this.#opening = null;
      throw error;
    });
    return this.#opening;
  }

  append(stream: string, parcel: Parcel): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ lines: this.#encode(stream, parcel), resolve, reject });
      if (this.#waiting.length === 1) void this.#alone(() => this.#commit());
    });
  }

  /** Writes the file anew so that the stream begins at its last checkpoint below `seq`. */
  async trim(stream: string, seq: number): Promise<void> {
    await this.open();
    await this.#alone(async () => {
      const held = this.#index.get(stream);
      const place = held?.checkpoints.findLast((each) => each.seq < seq && each.seq > held.first);
      if (place === undefined) return;
      const checkpoints = new Map([[stream, await this.#readCheckpoint(place)]]);
      await this.#rewrite({ checkpoints, forgotten: new Set() });
    });
  }

  async close(): Promise<void> {
    await this.#alone(async () => {
      this.#closed = true;
      await this.#handle?.close();
      this.#handle = null;
      if (this.#opening !== null) await leaveLock(this.#options.path, this.#options.claim);
    });
  }

  #alone<T>(work: () => Promise<T>): Promise<T> {
    const done = this.#turn.then(() => this.#guarded(work));
    this.#turn = done.catch(() => {});
    return done;
  }

  async #guarded<T>(work: () => Promise<T>): Promise<T> {
    try {
      return await work();
    } catch (error) {
      if (error instanceof ConclaveError) throw error;
      const { path } = this.#options;
      const said = error instanceof Error ? error.message : String(error);
      throw new JournalError('JOURNAL_FAILED', `${path} cannot be written at present: ${said}.`, {
        place: path,
        cause: error,
      });
    }
  }

  async #open(): Promise<void> {
    const { path, claim, onNotice } = this.#options;
    this.#refuseClosed();
    const { handle, index, size } = await openLive(path, claim, onNotice);
    this.#handle = handle;
    this.#index = index;
    this.#size = size;
  }

  #refuseClosed(): void {
    if (!this.#closed) return;
    const { path } = this.#options;
    throw new JournalError('JOURNAL_CLOSED', `${path} is closed.`, { place: path });
  }

  #encode(stream: string, { drafts, checkpoint }: Parcel): Line[] {
    let { chain } = this.#index.head(stream);
    const values: JournalRecord[] = [];
    for (const { draft, cut } of drafts) {
      const sealed = sealRecord(draft, chain);
      const record = cut === null ? sealed : trimmedRecord(sealed, cut);
      chain = chainAfter(record);
      values.push(record);
    }
    const lines = values.map((value) => ({ value, bytes: encodeLine(value) }));
    return checkpoint === null
      ? lines
      : [...lines, ...checkpointLine({ conclave: 'checkpoint', stream, checkpoint })];
  }

  /** Writes all that waits. */
  async #commit(): Promise<void> {
    const appends = this.#waiting.splice(0);
    const lines = appends.flatMap((append) => append.lines);
    try {
      await this.#guarded(() => this.#write(Buffer.concat(lines.map(({ bytes }) => bytes))));
    } catch (error) {
      for (const { reject } of appends) reject(error as Error);
      return;
    }
    for (const line of lines) this.#confirm(line);
    for (const { resolve } of appends) resolve();
    if (this.#size > this.#compactAt) await this.#compact();
  }

  async #write(bytes: Buffer): Promise<void> {
    const { path, claim } = this.#options;
    this.#refuseClosed();
    const handle = await this.#opened();
    if (!(await holdsLock(path, claim))) {
      const message = `${path} has been taken over by another process; this one stops writing it.`;
      throw new JournalError('JOURNAL_CONFLICT', message, { place: path });
    }
    await refuseMoved(path, handle);
    if (this.#renamed) await syncDirectory(path);
    this.#renamed = false;
    if (this.#dirty) await handle.truncate(this.#size);
    this.#dirty = true;
    for (let done = 0; done < bytes.length;) {
      const { bytesWritten } = await handle.write(bytes, done, bytes.length - done, this.#size + done);
      done += bytesWritten;
    }
    await handle.datasync();
    this.#dirty = false;
  }

  #confirm({ value, bytes }: Line): void {
    const offset = this.#size;
    this.#size += bytes.length;
    const frame = { json: '', raw: bytes, offset, line: 0, end: this.#size };
    if ('conclave' in value) this.#index.add({ type: 'checkpoint', line: value, frame });
    else this.#index.add({ type: 'record', record: value, frame });
  }

  /** Keeps the younger half of a journal that has grown too large. What fails here is tried again later. */
  async #compact(): Promise<void> {
    try {
      await this.#rewrite(await this.#olderHalf());
    } catch {
      // The journal is as it was, only larger than it should be.
    }
    this.#compactAt = Math.max(this.#options.bytesMax, this.#size * 2);
  }

  async #olderHalf(): Promise<Cuts> {
    const { onNotice, isWritten } = this.#options;
    const checkpoints = new Map<string, Checkpoint>();
    const streams = this.#index.all();
    const tooMany = streams.length - DURABLE_STREAMS_MAX;
    const forgotten = new Set(
      streams.map(([name]) => name).filter((name, at) => at < tooMany && !isWritten(name)),
    );
    for (const [stream, { first, checkpoints: places }] of streams) {
      const after = places.filter(({ seq }) => seq > first);
      const place = after.find(({ offset }) => offset >= this.#size / 2) ?? after.at(-1);
      if (place === undefined || forgotten.has(stream)) continue;
      checkpoints.set(stream, await this.#readCheckpoint(place));
      onNotice({ kind: 'trimmed', stream, message: `${stream}: dropped the records before #${place.seq}.` });
    }
    for (const stream of forgotten) {
      onNotice({
        kind: 'forgotten',
        stream,
        message: `${stream}: forgotten, as one of the oldest of ${streams.length} streams.`,
      });
    }
    return { checkpoints, forgotten };
  }

  async #readCheckpoint({ offset, end }: CheckpointPlace): Promise<Checkpoint> {
    const bytes = Buffer.alloc(end - offset);
    const handle = await this.#opened();
    await handle.read(bytes, 0, bytes.length, offset);
    const json = bytes.toString('utf8').slice(bytes.indexOf('{'));
    return (JSON.parse(json) as JsonlCheckpoint).checkpoint;
  }

  async #rewrite(cuts: Cuts): Promise<void> {
    const old = await this.#opened();
    if (this.#dirty) await old.truncate(this.#size);
    const { index, size } = await rewriteJsonl(this.#options.path, cuts);
    this.#handle = null;
    this.#index = index;
    this.#size = size;
    this.#dirty = false;
    this.#renamed = true;
    await old.close();
  }

  async #opened(): Promise<FileHandle> {
    this.#handle ??= await open(this.#options.path, 'r+');
    return this.#handle;
  }
}

async function refuseMoved(path: string, handle: FileHandle): Promise<void> {
  const [opened, found] = await Promise.all([handle.stat(), stat(path).catch(() => null)]);
  if (found?.ino !== opened.ino || found.dev !== opened.dev) throw movedAway(path);
}

/** A checkpoint is a convenience: one that is too large for a line is left out. */
function checkpointLine(value: JsonlCheckpoint): Line[] {
  try {
    return [{ value, bytes: encodeLine(value) }];
  } catch (error) {
    if (error instanceof RangeError) return [];
    throw error;
  }
}
