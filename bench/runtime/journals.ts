import { spawn } from 'node:child_process';
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialTransition, transition, type AnyMachineSnapshot, type EventObject } from 'xstate';
import { encodeEntry, recordToLine } from '../../src/journal/codec.ts';
import {
  GENESIS,
  type Entry,
  type Journal,
  type JournalWriter,
  type StreamHeader,
} from '../../src/journal/journal.ts';
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { median } from './measure.ts';
import { sampleChart, sampleEvents } from './sample-chart.ts';

/**
 * What the journals cost. Append: `batch` entries are recorded, then their durability is awaited, over and over, as
 * `batch` concurrent appenders sharing one commit would; wall time, since waiting for the disk is the point. Event loop: how late a
 * 5 ms heartbeat is while two entries a millisecond are recorded, alone and beside a process that keeps the disk busy.
 */

const BATCHES = [1, 16, 128] as const;

const header: StreamHeader = {
  stream: 'bench',
  machine: { id: 'sample', version: null, hash: 'a1b2c3d4' },
  runtime: 'bench',
  boot: 'bench',
  writer: `bench:${process.pid}`,
};

/** Entries of the sample chart, numbered on and on. */
class Entries {
  readonly #round: readonly Omit<Entry, 'seq'>[];
  #seq = 0;

  constructor() {
    let [state] = initialTransition(sampleChart) as [AnyMachineSnapshot, unknown];
    this.#round = sampleEvents.map((event) => {
      const before = state;
      [state] = transition(sampleChart, before as never, event as never) as [AnyMachineSnapshot, unknown];
      const wall = Date.now();
      const made = { kind: 'event', mono: 1, wall, event: event as EventObject, source: 'external' } as const;
      return Object.assign(made, { before, after: state, effects: [{ type: 'touched' }] });
    });
  }

  get last(): number {
    return this.#seq;
  }

  next(): Entry {
    const entry = this.#round[this.#seq % this.#round.length] as Omit<Entry, 'seq'>;
    this.#seq += 1;
    return { ...entry, seq: this.#seq };
  }
}

/** Somewhere to append to. */
interface Target extends AsyncDisposable {
  append(batch: number): Promise<void>;
}

function journalTarget(journal: Journal): Target {
  const entries = new Entries();
  const writer: JournalWriter = journal.writer(header);
  return {
    async append(batch) {
      for (let n = 0; n < batch; n += 1) writer.record(entries.next());
      await writer.durable(entries.last);
    },
    [Symbol.asyncDispose]: () => journal.close(),
  };
}

/** The least that any durable journal must do: encode. */
function encodedTarget(): Target {
  const entries = new Entries();
  let lines: string[] = [];
  return {
    async append(batch) {
      for (let n = 0; n < batch; n += 1)
        lines.push(recordToLine(encodeEntry(header, entries.next(), GENESIS)));
      if (lines.length > 10_000) lines = [];
    },
    [Symbol.asyncDispose]: async () => {},
  };
}

const retention = { bytesMax: Infinity };
const targets: Readonly<Record<string, (directory: string) => Target>> = {
  'memory, encoded': encodedTarget,
  memory: () => journalTarget(memoryJournal()),
  jsonl: (directory) =>
    journalTarget(jsonlJournal({ path: join(directory, 'bench.jsonl'), bytesMax: Infinity })),
  sqlite: (directory) => journalTarget(sqliteJournal({ path: join(directory, 'bench.db'), retention })),
};

async function inScratch<T>(work: (directory: string) => Promise<T>): Promise<T> {
  const directory = mkdtempSync(join(tmpdir(), 'bench-'));
  try {
    return await work(directory);
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

async function eventsPerSecond(target: Target, batch: number, ms: number): Promise<number> {
  const began = performance.now();
  let events = 0;
  while (performance.now() - began < ms) {
    await target.append(batch);
    events += batch;
  }
  return (events * 1000) / (performance.now() - began);
}

/** Turn about, so that a machine that slows down slows all; the median of the turns' own ratios. */
async function measureAppends(turns: number, turnMs: number): Promise<void> {
  console.log('\nAppend and wait until durable: events a second, and × memory, encoded (both medians)');
  for (const batch of BATCHES) {
    const speeds = new Map(Object.keys(targets).map((name) => [name, [] as number[]]));
    for (let turn = 0; turn < turns; turn += 1) {
      for (const [name, open] of Object.entries(targets)) {
        await inScratch(async (directory) => {
          await using target = open(directory);
          await eventsPerSecond(target, batch, turnMs / 4);
          speeds.get(name)?.push(await eventsPerSecond(target, batch, turnMs));
        });
      }
    }
    const base = speeds.get('memory, encoded') ?? [];
    for (const [name, own] of speeds) {
      const ratio = median(own.map((speed, turn) => speed / (base[turn] ?? Number.NaN)));
      const speed = Math.round(median(own)).toLocaleString('en').padStart(12);
      console.log(
        `  batch ${String(batch).padStart(3)}  ${name.padEnd(16)} ${speed}/s   × ${ratio.toPrecision(2)}`,
      );
    }
  }
}

const BEAT_MS = 5;
const EVENTS_PER_MS = 2;

/** How late the heartbeat was, in milliseconds, sorted. */
async function lateness(journal: Journal | null, ms: number): Promise<number[]> {
  const entries = new Entries();
  const writer = journal?.writer(header);
  const late: number[] = [];
  const began = performance.now();
  while (performance.now() - began < ms) {
    const due = performance.now() + BEAT_MS;
    await new Promise((resolve) => setTimeout(resolve, BEAT_MS));
    late.push(Math.max(0, performance.now() - due));
    const owed = (performance.now() - began) * EVENTS_PER_MS;
    if (writer === undefined) continue;
    while (entries.last < owed) writer.record(entries.next());
  }
  await journal?.close();
  return late.toSorted((a, b) => a - b);
}

/** A process that writes 16 MiB and waits for the disk, again and again. */
const BUSY_DISK = `
  const fs = require('node:fs');
  const file = fs.openSync(process.argv[1], 'w');
  for (const bytes = Buffer.alloc(16 << 20); ; ) { fs.writeSync(file, bytes, 0, bytes.length, 0); fs.fsyncSync(file); }
`;

async function measureLateness(ms: number): Promise<void> {
  const journals: Readonly<Record<string, (directory: string) => Journal | null>> = {
    none: () => null,
    memory: () => memoryJournal(),
    jsonl: (directory) => jsonlJournal({ path: join(directory, 'bench.jsonl') }),
    sqlite: (directory) => sqliteJournal({ path: join(directory, 'bench.db') }),
  };
  for (const disk of ['calm', 'busy']) {
    console.log(
      `\nEvent loop, ${disk} disk: how late a ${BEAT_MS} ms heartbeat is at ${EVENTS_PER_MS} events/ms`,
    );
    const turns = new Map(Object.keys(journals).map((name) => [name, [] as number[][]]));
    for (let turn = 0; turn < 3; turn += 1) {
      for (const [name, open] of Object.entries(journals)) {
        await inScratch(async (directory) => {
          const file = join(directory, 'busy');
          const neighbour = disk === 'busy' ? spawn(process.execPath, ['-e', BUSY_DISK, file]) : null;
          try {
            turns.get(name)?.push(await lateness(open(directory), ms));
          } finally {
            neighbour?.kill('SIGKILL');
          }
        });
      }
    }
    const quantile = (name: string, q: number): number =>
      median((turns.get(name) ?? []).map((late) => late[Math.floor(late.length * q)] ?? Number.NaN));
    for (const name of turns.keys()) {
      const [p50, p99] = [quantile(name, 0.5), quantile(name, 0.99)];
      const ratio = (p99 / quantile('none', 0.99)).toFixed(2);
      console.log(
        `  ${name.padEnd(10)} p50 ${p50.toFixed(2)} ms   p99 ${p99.toFixed(2)} ms   p99 × ${ratio} of none`,
      );
    }
  }
}

if (import.meta.main) {
  await measureAppends(5, 800);
  await measureLateness(3000);
}
