import { copyFileSync, existsSync, mkdirSync, readdirSync } from 'node:fs';
import { open } from 'node:fs/promises';
import { basename, join } from 'node:path';
import { configReloadMachine, leadershipMachine } from '../../../machines/index.ts';
import type { JournalReader } from '../../journal/durable-reader.ts';
import type { JournalRecord } from '../../journal/journal.ts';
import { exportJournal } from '../../journal/jsonl-export.ts';
import { replayAll } from '../../journal/replay.ts';
import { openJournal } from '../../journal/sqlite-open.ts';
import { verify } from '../../journal/verify.ts';
import { placesIn } from '../member-places.ts';

/** What the members' journals hold, read after they have ended. */
export interface Evidence {
  /** Stream after stream, each in order. */
  readonly records: readonly JournalRecord[];
  readonly streams: number;
  /** What is wrong with a journal, one line each. */
  readonly findings: readonly string[];
}

/** Writes every journal below `directory` in its travelling form to `exports`, one file a process, and the logs. */
export async function exportEvidence(directory: string, exports: string): Promise<void> {
  mkdirSync(exports, { recursive: true });
  const { journals } = placesIn(directory);
  // Whoever ends a demo at once may do so before any member has a journal.
  const written = existsSync(journals) ? readdirSync(journals) : [];
  for (const name of written.filter((file) => file.endsWith('.db'))) {
    await using journal = openJournal(join(journals, name));
    await using file = await open(join(exports, `${basename(name, '.db')}.jsonl`), 'w');
    await exportJournal(journal, async (chunk) => {
      await file.write(chunk);
    });
  }
  const logs = join(directory, 'logs');
  for (const name of readdirSync(logs)) copyFileSync(join(logs, name), join(exports, name));
}

/** Reads exported journals back: verifies each, and replays it with the chart. */
export async function examineEvidence(exports: string): Promise<Evidence> {
  const records: JournalRecord[] = [];
  const findings: string[] = [];
  let streams = 0;
  for (const name of readdirSync(exports).filter((file) => file.endsWith('.jsonl'))) {
    try {
      await using journal = openJournal(join(exports, name));
      for (const stream of await streamsOf(journal)) {
        streams += 1;
        records.push(...stream);
        findings.push(...(await faultsOf(stream)));
      }
    } catch (error) {
      findings.push(`${name}: ${error instanceof Error ? error.message : String(error)}`);
    }
  }
  return { records, streams, findings };
}

async function streamsOf(journal: JournalReader): Promise<JournalRecord[][]> {
  const streams: JournalRecord[][] = [];
  for (const { stream } of await journal.streams()) {
    const records: JournalRecord[] = [];
    for await (const record of journal.read(stream)) records.push(record);
    streams.push(records);
  }
  return streams;
}

async function faultsOf(stream: readonly JournalRecord[]): Promise<string[]> {
  const { findings } = await verify(stream);
  const isReload = stream[0]?.machine.id === configReloadMachine.id;
  const { divergence } = replayAll(stream, isReload ? configReloadMachine : leadershipMachine);
  return [
    ...findings.map(({ place, problem }) => `${place}: ${problem}`),
    ...(divergence === null
      ? []
      : [`replayed, ${divergence.stream}@${divergence.seq} differs in its ${divergence.part}`]),
  ];
}
