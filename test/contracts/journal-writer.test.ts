/** The pen of a durable journal against a disk that does what the test says, in virtual time. */
import { beforeEach, describe, expect, test } from 'vitest';
import { JournalError } from '../../src/errors.ts';
import { PENDING_ENTRIES_MAX, type Parcel } from '../../src/journal/durable-backlog.ts';
import type { JournalNotice } from '../../src/journal/durable-notice.ts';
import {
  CLOSE_DEADLINE_MS,
  DurableWriter,
  RETRY_AFTER_MS,
  STALLED_AFTER_MS,
  type Claimed,
  type DurableBackend,
} from '../../src/journal/durable-writer.ts';
import { GENESIS } from '../../src/journal/journal.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { headerOf, Recording } from './journal-entries.ts';

const GENESIS_HEAD = { seq: 0, chain: GENESIS };

/** Answers when told to. */
class Disk implements DurableBackend {
  readonly checkpointEvery: number = 1;
  readonly parcels: Parcel[] = [];
  claims = 0;
  released = 0;
  #answer: { resolve(): void; reject(error: Error): void } | null = null;
  /** What becomes of appends: left waiting, confirmed at once, or refused at once. */
  mode: 'wait' | 'confirm' | Error = 'confirm';
  standsAt: Claimed = { head: GENESIS_HEAD, origin: null };

  async claim(): Promise<Claimed> {
    this.claims += 1;
    return this.standsAt;
  }

  append(parcel: Parcel): Promise<void> {
    this.parcels.push(parcel);
    if (this.mode === 'confirm') return Promise.resolve();
    if (this.mode !== 'wait') return Promise.reject(this.mode);
    return new Promise((resolve, reject) => {
      this.#answer = { resolve, reject };
    });
  }

  async release(): Promise<void> {
    this.released += 1;
  }

  confirm(): void {
    this.#answer?.resolve();
    this.#answer = null;
  }

  get seqs(): number[][] {
    return this.parcels.map(({ drafts }) => drafts.map(({ draft }) => draft.seq));
  }
}

const full = new JournalError('JOURNAL_FAILED', 'no space left');

let clock: VirtualClock;
let disk: Disk;
let recording: Recording;
let writer: DurableWriter;
let told: (string | null)[];
let notices: JournalNotice[];
let closed: number;

function start(head = GENESIS_HEAD): void {
  clock = new VirtualClock();
  recording = new Recording(head.seq);
  told = [];
  notices = [];
  closed = 0;
  writer = new DurableWriter({
    header: headerOf('a'),
    head,
    backend: disk,
    clock,
    onNotice: (notice) => notices.push(notice),
    onClosed: () => (closed += 1),
  });
  writer.onFailure((failure) => told.push(failure === null ? null : (failure as JournalError).code));
}

beforeEach(() => {
  disk = new Disk();
  start();
});

function write(count: number): void {
  for (const entry of recording.take(count)) writer.record(entry);
}

/** Lets promises that can resolve do so; takes no time. */
async function settle(): Promise<void> {
  for (let turn = 0; turn < 20; turn += 1) await Promise.resolve();
}

async function pass(ms: number): Promise<void> {
  await settle();
  clock.advance(ms);
  await settle();
}

describe('a durable writer', () => {
  test('writes everything that accumulated while the disk was busy in one go', async () => {
    disk.mode = 'wait';
    write(1);
    await pass(1);
    write(2);
    write(3);
    expect(disk.seqs).toEqual([[1]]);
    disk.confirm();
    await settle();
    expect(disk.seqs).toEqual([[1], [2, 3, 4, 5, 6]]);
  });

  test('confirms what is on disk and nothing else', async () => {
    disk.mode = 'wait';
    write(3);
    let reached = 0;
    void writer.durable(3).then(() => (reached = 3));
    await settle();
    write(1);
    void writer.durable(4).then(() => (reached = 4));
    expect(reached).toBe(0);
    disk.confirm();
    await settle();
    expect(reached).toBe(3);
    disk.confirm();
    await settle();
    expect(reached).toBe(4);
  });

  test('tells once that the disk stalls, and once that it goes on', async () => {
    disk.mode = 'wait';
    write(2);
    const refused = expect(writer.durable(2)).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
    await pass(STALLED_AFTER_MS - 1);
    expect(told).toEqual([]);
    await pass(1);
    await refused;
    expect(told).toEqual(['JOURNAL_FAILED']);
    await pass(10 * STALLED_AFTER_MS);
    write(5);
    await expect(writer.durable(7)).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
    expect(told).toEqual(['JOURNAL_FAILED']);
    expect(disk.parcels).toHaveLength(1);
    disk.confirm();
    await settle();
    expect(told).toEqual(['JOURNAL_FAILED', null]);
    expect(disk.seqs).toEqual([
      [1, 2],
      [3, 4, 5, 6, 7],
    ]);
  });

  test('tries a parcel that failed again, the same one, until it is written', async () => {
    disk.mode = full;
    write(2);
    await pass(1);
    write(2);
    for (let turn = 0; turn < 3; turn += 1) await pass(RETRY_AFTER_MS);
    expect(disk.seqs).toEqual([
      [1, 2],
      [1, 2],
      [1, 2],
      [1, 2],
    ]);
    disk.mode = 'confirm';
    await pass(RETRY_AFTER_MS);
    expect(disk.seqs.slice(4)).toEqual([
      [1, 2],
      [3, 4],
    ]);
    expect(told).toEqual(['JOURNAL_FAILED', null]);
    await writer.durable(4);
  });

  test('gives the oldest entries up when too many wait, and says from which state it goes on', async () => {
    disk.mode = full;
    write(10);
    await pass(1);
    write(PENDING_ENTRIES_MAX);
    expect(notices).toEqual([]);
    write(25);
    expect(notices.map(({ kind }) => kind)).toEqual(['overflowed']);
    disk.mode = 'confirm';
    await pass(RETRY_AFTER_MS);
    await writer.durable(recording.last);
    const cut = disk.parcels.find(({ drafts }) => drafts.some((outgoing) => outgoing.cut !== null));
    const [trimmed] = cut?.drafts ?? [];
    expect(trimmed?.draft.seq).toBe(35);
    expect(trimmed?.cut).toMatchObject({
      seq: 35,
      snapshot: { context: { count: recording.counts.get(35) } },
    });
    const after = disk.parcels.slice(disk.parcels.indexOf(cut as Parcel)).flatMap(({ drafts }) => drafts);
    expect(after.map(({ draft }) => draft.seq)).toEqual(Array.from({ length: 10_001 }, (_, at) => 35 + at));
    expect(after.slice(1).every(({ cut: other }) => other === null)).toBe(true);
  });

  test('stops for good when another writer went on', async () => {
    disk.mode = new JournalError('JOURNAL_CONFLICT', 'taken over');
    write(2);
    await pass(1);
    expect(told).toEqual(['JOURNAL_CONFLICT']);
    disk.mode = 'confirm';
    write(2);
    await pass(10 * RETRY_AFTER_MS);
    expect(disk.parcels).toHaveLength(1);
    await expect(writer.durable(1)).rejects.toMatchObject({ code: 'JOURNAL_CONFLICT' });
  });

  test('stops for good when it is given an entry out of sequence', async () => {
    write(1);
    recording.next();
    expect(() => write(1)).not.toThrow();
    await pass(1);
    expect(told).toEqual(['JOURNAL_CONFLICT']);
    expect(disk.seqs.flat()).not.toContain(3);
  });

  test('does not write a stream that stands elsewhere', async () => {
    disk.standsAt = { head: { seq: 7, chain: 'f'.repeat(32) }, origin: null };
    write(1);
    await pass(1);
    expect(told).toEqual(['JOURNAL_CONFLICT']);
    expect(disk.parcels).toEqual([]);
    expect(disk.released).toBe(1);
  });

  test('does not write a stream whose last record is another than it was told', async () => {
    disk.standsAt = { head: { seq: 7, chain: 'f'.repeat(32) }, origin: null };
    start({ seq: 7, chain: 'e'.repeat(32) });
    await pass(1);
    expect(told).toEqual(['JOURNAL_CONFLICT']);
  });

  test('claims its stream before anything is recorded, and once', async () => {
    await pass(1);
    expect(disk.claims).toBe(1);
    write(3);
    await pass(5);
    expect(disk.claims).toBe(1);
  });

  test('carries over the timers of an actor that was recorded before', async () => {
    const head = { seq: 4, chain: 'c'.repeat(32) };
    const timer = {
      effect: '3:0',
      id: 't',
      to: null,
      event: { type: 'wake' },
      delayMs: 5,
      mono: 1,
      wall: 1,
      boot: 'b',
    };
    disk.standsAt = { head, origin: { actor: 'root', parent: 'above', names: null, timers: [timer] } };
    start(head);
    const entry = recording.next();
    writer.record({ ...entry, kind: 'event', event: { type: 'add', by: 1 } as never });
    await pass(1);
    expect(disk.parcels[0]?.checkpoint).toMatchObject({
      seq: 5,
      actor: 'root',
      parent: 'above',
      names: null,
      timers: [timer],
    });
  });

  test('flushes, releases and is closed once', async () => {
    disk.mode = 'wait';
    write(3);
    const closing = Promise.all([writer.close(), writer.close()]);
    await settle();
    disk.confirm();
    await closing;
    expect([disk.released, closed, notices]).toEqual([1, 1, []]);
    await writer.durable(3);
    await expect(writer.durable(4)).rejects.toMatchObject({ code: 'JOURNAL_CLOSED' });
    expect(clock.pending).toBe(0);
  });

  test('is closed after its deadline whatever the disk does, and tells what was left', async () => {
    disk.mode = 'wait';
    write(3);
    const waiting = expect(writer.durable(3)).rejects.toThrow();
    const closing = writer.close();
    await pass(CLOSE_DEADLINE_MS - 1);
    expect(closed).toBe(0);
    await pass(1);
    await closing;
    await waiting;
    expect(notices.map(({ kind }) => kind)).toEqual(['unflushed']);
    expect(closed).toBe(1);
  });

  test('tries at once what failed before, when it is closed', async () => {
    disk.mode = full;
    write(3);
    await pass(1);
    disk.mode = 'confirm';
    await writer.close();
    expect(disk.seqs).toEqual([
      [1, 2, 3],
      [1, 2, 3],
    ]);
    expect(notices).toEqual([]);
  });

  test('tells a listener that comes late what is wrong, and one that left nothing', async () => {
    disk.mode = full;
    write(1);
    await pass(1);
    const late: unknown[] = [];
    const leave = writer.onFailure((failure) => late.push((failure as JournalError | null)?.code ?? null));
    await settle();
    leave();
    disk.mode = 'confirm';
    await pass(RETRY_AFTER_MS);
    expect(late).toEqual(['JOURNAL_FAILED']);
    expect(told).toEqual(['JOURNAL_FAILED', null]);
  });

  test('takes a checkpoint where it is asked for one', async () => {
    Object.assign(disk, { checkpointEvery: 256 });
    start();
    write(9);
    await pass(1);
    expect(disk.parcels.map(({ checkpoint }) => checkpoint)).toEqual([null]);
    await writer.checkpoint();
    expect(disk.parcels[1]).toMatchObject({ drafts: [], checkpoint: { seq: 9 } });
    await writer.checkpoint();
    expect(disk.parcels).toHaveLength(2);
    disk.mode = full;
    write(1);
    await pass(1);
    await expect(writer.checkpoint()).rejects.toMatchObject({ code: 'JOURNAL_FAILED' });
  });
});
