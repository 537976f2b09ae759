import { ConclaveError, JournalError } from '../errors.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import { Backlog, type Parcel } from './durable-backlog.ts';
import type { OnNotice } from './durable-notice.ts';
import type { Origin } from './durable-origin.ts';
import type { Entry, JournalWriter, StreamHead, StreamHeader } from './journal.ts';

/**
 * The pen of a durable journal. Recording appends to a bounded backlog and returns; behind it one parcel after the
 * other goes to the disk, each with everything that accumulated while the one before was being written (group
 * commit). A disk that fails or stalls never reaches the caller of `record`: it is told once through `onFailure`,
 * tried again, and told again when it works.
 */

/** A parcel that has not been confirmed after this long is told as a failure, though it may still succeed. */
export const STALLED_AFTER_MS = 5000;

/** The same for the claim, which waits for the writing thread to start and for the end of the file to be repaired. */
export const CLAIM_STALLED_AFTER_MS = 15_000;

/** How long after a failure the same parcel is tried again. */
export const RETRY_AFTER_MS = 500;

/** What `close` waits for at most unless told otherwise. */
export const CLOSE_DEADLINE_MS = 2000;

/** The disk's side. Every failure is a `ConclaveError`; `JOURNAL_FAILED` is tried again, any other code is final. */
export interface DurableBackend {
  /** After how many records a parcel carries a checkpoint. */
  readonly checkpointEvery: number;
  /** Takes the stream; tells where it stands. */
  claim(): Promise<Claimed>;
  /** Resolves when the parcel is durable. The same parcel may be given again after a failure: then it counts once. */
  append(parcel: Parcel): Promise<void>;
  /** Gives the stream up. */
  release(): Promise<void>;
}

export interface Claimed {
  readonly head: StreamHead;
  /** Null for an empty stream. */
  readonly origin: Origin | null;
}

export interface DurableWriterOptions {
  readonly header: StreamHeader;
  readonly head: StreamHead;
  readonly backend: DurableBackend;
  readonly clock: Clock;
  readonly onNotice: OnNotice;
  /** Called once, when the writer has given the stream up. */
  readonly onClosed: () => void;
}

interface Waiter {
  readonly seq: number;
  readonly resolve: () => void;
  readonly reject: (error: Error) => void;
}

export class DurableWriter implements JournalWriter {
  readonly header: StreamHeader;
  readonly #options: DurableWriterOptions;
  readonly #backlog: Backlog;
  readonly #listeners = new Set<(failure: Error | null) => void>();
  #waiters: Waiter[] = [];
  #nextSeq: number;
  #durableSeq: number;
  #claimed = false;
  /** The parcel being written or to be tried again. */
  #parcel: Parcel | null = null;
  #running = false;
  #timer: TimerId = null;
  /** What is wrong at present and has been told. */
  #failure: ConclaveError | null = null;
  /** Why nothing is written any more. */
  #ended: ConclaveError | null = null;
  #checkpointWanted = false;
  readonly #idle: (() => void)[] = [];
  #closing: Promise<void> | null = null;

  constructor(options: DurableWriterOptions) {
    this.#options = options;
    this.header = options.header;
    this.#nextSeq = options.head.seq + 1;
    this.#durableSeq = options.head.seq;
    this.#backlog = new Backlog(options.header, options.backend.checkpointEvery);
    // The claim does not wait for the first entry, so that a second writer learns early that it is one.
    this.#runAfter(0);
  }

  get nextSeq(): number {
    return this.#nextSeq;
  }

  record(entry: Entry): void {
    if (this.#ended !== null || this.#closing !== null) return;
    if (entry.seq !== this.#nextSeq) {
      this.#end(
        this.#error('JOURNAL_CONFLICT', `was given #${entry.seq} where #${this.#nextSeq} comes next`),
      );
      return;
    }
    this.#nextSeq += 1;
    const { lost } = this.#backlog;
    this.#backlog.push(entry);
    if (lost === 0 && this.#backlog.lost > 0) this.#tellOverflow();
    if (!this.#running && this.#timer === null) this.#runAfter(0);
  }

  durable(seq: number): Promise<void> {
    if (seq <= this.#durableSeq) return Promise.resolve();
    const failure = this.#ended ?? this.#failure;
    if (failure !== null) return Promise.reject(failure);
    if (!this.#running) this.#runNow();
    return new Promise((resolve, reject) => this.#waiters.push({ seq, resolve, reject }));
  }

  onFailure(listener: (failure: Error | null) => void): () => void {
    this.#listeners.add(listener);
    const failure = this.#ended ?? this.#failure;
    if (failure !== null) {
      queueMicrotask(() => {
        if (this.#listeners.has(listener)) listener(failure);
      });
    }
    return () => this.#listeners.delete(listener);
  }

  /** Resolves when everything recorded so far, and a checkpoint at the last of it, is durable. */
  async checkpoint(): Promise<void> {
    const before = this.#ended ?? this.#failure;
    if (before !== null) throw before;
    this.#checkpointWanted = true;
    if (!this.#running) this.#runNow();
    await this.#quiet();
    const after = this.#ended ?? this.#failure;
    if (after !== null) throw after;
  }

  close(deadlineMs = CLOSE_DEADLINE_MS): Promise<void> {
    this.#closing ??= this.#close(deadlineMs);
    return this.#closing;
  }

  async #close(deadlineMs: number): Promise<void> {
    const { clock, backend, onNotice, onClosed } = this.#options;
    this.#checkpointWanted = true;
    const due = clock.monotonicMs() + deadlineMs;
    if (!this.#running && this.#ended === null) this.#runNow();
    await within(clock, this.#quiet(), deadlineMs);
    const left = this.#nextSeq - 1 - this.#durableSeq;
    if (left > 0) {
      const { stream } = this.header;
      onNotice({
        kind: 'unflushed',
        stream,
        message: `${stream}: closed with ${left} records not yet on disk.`,
      });
    }
    this.#clearTimer();
    const wasClaimed = this.#claimed && this.#ended === null;
    this.#ended ??= this.#error('JOURNAL_CLOSED', 'was closed');
    this.#rejectWaiters(this.#ended);
    if (wasClaimed) {
      const released = backend.release().catch(() => {
        // The next writer finds the claim of a process that is gone, or of this one, which has given it up.
      });
      await within(clock, released, Math.max(0, due - clock.monotonicMs()));
    }
    onClosed();
  }

  /** Resolves once nothing is left to write, or nothing can be. */
  #quiet(): Promise<void> {
    const busy = this.#running || this.#timer !== null;
    if (this.#ended !== null || !busy) return Promise.resolve();
    return new Promise((resolve) => this.#idle.push(resolve));
  }

  #runAfter(delayMs: number): void {
    this.#timer = this.#options.clock.setTimeout(() => this.#runNow(), delayMs);
  }

  #runNow(): void {
    this.#clearTimer();
    void this.#run();
  }

  #clearTimer(): void {
    if (this.#timer !== null) this.#options.clock.clearTimeout(this.#timer);
    this.#timer = null;
  }

  async #run(): Promise<void> {
    this.#running = true;
    try {
      if (!this.#claimed) await this.#watched(this.#claim(), CLAIM_STALLED_AFTER_MS);
      for (let parcel = this.#nextParcel(); parcel !== null; parcel = this.#nextParcel()) {
        await this.#watched(this.#options.backend.append(parcel), STALLED_AFTER_MS);
        this.#confirm(parcel);
      }
      this.#checkpointWanted = this.#closing !== null;
      this.#recovered();
    } catch (error) {
      this.#failed(error);
    }
    this.#running = false;
    if (this.#timer === null || this.#ended !== null) for (const resolve of this.#idle.splice(0)) resolve();
  }

  #nextParcel(): Parcel | null {
    if (this.#ended !== null) return null;
    this.#parcel ??= this.#backlog.next(this.#checkpointWanted);
    return this.#parcel;
  }

  async #claim(): Promise<void> {
    const { head: expected, backend } = this.#options;
    const { head, origin } = await backend.claim();
    if (head.seq !== expected.seq || (expected.seq > 0 && head.chain !== expected.chain)) {
      await backend.release();
      throw this.#error(
        'JOURNAL_CONFLICT',
        `stands at #${head.seq}, not at #${expected.seq} as its writer was told`,
      );
    }
    if (origin !== null) this.#backlog.continueFrom(origin, head.seq);
    this.#claimed = true;
  }

  #confirm({ drafts }: Parcel): void {
    this.#parcel = null;
    this.#durableSeq = drafts.at(-1)?.draft.seq ?? this.#durableSeq;
    this.#recovered();
    const reached = this.#waiters.filter(({ seq }) => seq <= this.#durableSeq);
    this.#waiters = this.#waiters.filter(({ seq }) => seq > this.#durableSeq);
    for (const { resolve } of reached) resolve();
  }

  /** Lets an operation take as long as it takes, and tells once that it takes too long. */
  async #watched(operation: Promise<void>, stalledAfterMs: number): Promise<void> {
    const { clock } = this.#options;
    const timer = clock.setTimeout(
      () => this.#fail(this.#error('JOURNAL_FAILED', `has waited ${stalledAfterMs} ms for the disk`)),
      stalledAfterMs,
    );
    try {
      await operation;
    } finally {
      clock.clearTimeout(timer);
    }
  }

  #failed(error: unknown): void {
    const failure =
      error instanceof ConclaveError ? error : this.#error('JOURNAL_FAILED', 'cannot be encoded', error);
    if (failure === error && failure.code === 'JOURNAL_FAILED') {
      this.#fail(failure);
      if (this.#ended === null) this.#runAfter(RETRY_AFTER_MS);
    } else this.#end(failure);
  }

  /** Something that may pass: told once, until it has passed. */
  #fail(failure: ConclaveError): void {
    if (this.#failure !== null || this.#ended !== null) return;
    this.#failure = failure;
    this.#rejectWaiters(failure);
    this.#tell(failure);
  }

  #recovered(): void {
    if (this.#failure === null || this.#ended !== null) return;
    this.#failure = null;
    this.#tell(null);
  }

  /** Something final: nothing is written any more. */
  #end(failure: ConclaveError): void {
    if (this.#ended !== null) return;
    this.#ended = failure;
    this.#clearTimer();
    this.#rejectWaiters(failure);
    for (const resolve of this.#idle.splice(0)) resolve();
    this.#tell(failure);
  }

  #rejectWaiters(failure: Error): void {
    for (const { reject } of this.#waiters.splice(0)) reject(failure);
  }

  #tell(failure: Error | null): void {
    for (const listener of this.#listeners) {
      try {
        listener(failure);
      } catch (error) {
        // A listener's fault is its owner's to see, and must not stop the writing.
        queueMicrotask(() => {
          throw error;
        });
      }
    }
  }

  #tellOverflow(): void {
    const { stream } = this.header;
    const message = `${stream}: the disk does not take records; the oldest of those waiting are given up.`;
    this.#options.onNotice({ kind: 'overflowed', stream, message });
  }

  #error(
    code: 'JOURNAL_CONFLICT' | 'JOURNAL_FAILED' | 'JOURNAL_CLOSED',
    what: string,
    cause?: unknown,
  ): JournalError {
    const { stream } = this.header;
    return new JournalError(code, `The journal of ${stream} ${what}.`, { place: stream, cause });
  }
}

/** Waits for `promise`, `ms` at most. */
export async function within(clock: Clock, promise: Promise<unknown>, ms: number): Promise<void> {
  const { promise: late, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(resolve, ms);
  try {
    await Promise.race([promise, late]);
  } finally {
    clock.clearTimeout(timer);
  }
}
