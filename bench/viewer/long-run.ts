/**
 * Journals of a long run: the shipped election, its memory store and a virtual clock, so that days pass in seconds.
 * Members resign, pause and go on now and then. What it writes is what such members write.
 */
import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { once } from 'node:events';
import { createLeaderElection, memoryLeases } from '../../src/index.ts';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse } from '../../test/machines/elapse.ts';

/** Virtual time between two things that happen to the leader. */
const BETWEEN_MS = 20 * 60_000;
/** What three members with a lease of 15 s record together. */
const RECORDS_AN_HOUR = 2900;

export interface LongRun {
  /** Paths, one for each member. */
  readonly files: readonly string[];
  readonly records: number;
  readonly bytes: number;
  readonly virtualHours: number;
}

/** Runs three members for as long as it takes them to record about `records`. */
export async function longRun(directory: string, records: number): Promise<LongRun> {
  mkdirSync(directory, { recursive: true });
  const clock = new VirtualClock();
  const began = clock.nowMs;
  const leases = memoryLeases({ clock });
  const journals = ['web-1', 'web-2', 'web-3'].map((name) => ({
    name,
    journal: memoryJournal({ limit: records }),
  }));
  const elections = journals.map(({ name, journal }) =>
    createLeaderElection({ resource: 'billing', candidateId: name, leases, journal, clock }),
  );
  for (const election of elections) await election.start();
  const virtualMs = (records / RECORDS_AN_HOUR) * 3_600_000;
  while (clock.nowMs - began < virtualMs) {
    await elapse(clock, BETWEEN_MS);
    const leader = elections.find(({ isLeader }) => isLeader);
    await Promise.all([leader?.resign(), elapse(clock, 1000)]);
  }
  const virtualHours = (clock.nowMs - began) / 3_600_000;
  await Promise.all([...elections.map((election) => election.stop()), elapse(clock, 60_000)]);
  const sum = { records: 0, bytes: 0 };
  const files: string[] = [];
  for (const { name, journal } of journals) {
    const path = join(directory, `${name}.jsonl`);
    const file = createWriteStream(path);
    const told = await exportJournal(journal, async (chunk) => {
      if (!file.write(chunk)) await once(file, 'drain');
    });
    file.end();
    await once(file, 'finish');
    sum.records += told.records;
    sum.bytes += told.bytes;
    files.push(path);
  }
  return { files, ...sum, virtualHours };
}

if (import.meta.main) {
  const [directory = 'bench/viewer/journals', records = '200000'] = process.argv.slice(2);
  console.log(await longRun(directory, Number(records)));
}
