/**
 * A process of its own that writes a journal. `journal-child.ts KIND PATH MODE`:
 *
 * - `write`: writes until it is killed, and says `acked N` for everything durable up to N;
 * - `hold`: writes three records, says `acked 3`, keeps the stream;
 * - `forget`: writes three records, says `acked 3`, and neither closes anything nor waits for anything;
 * - `abrupt`: writes three records without waiting, closes, and ends.
 *
 * It says `refused CODE` where its writer fails.
 */
import { durablePlace, type DurableKind } from './journal-places.ts';
import { headerOf, Recording } from './journal-entries.ts';
import { dirname } from 'node:path';

const [kind, path, mode] = process.argv.slice(2) as [DurableKind, string, string];
const say = (text: string): void => void process.stdout.write(`${text}\n`);

const journal = durablePlace(kind, dirname(path)).open();
const head = await journal.head('a');
const writer = journal.writer(headerOf('a'), head);
writer.onFailure((failure) => {
  if (failure !== null) say(`refused ${(failure as Error & { code: string }).code}`);
});
const recording = new Recording(head.seq);

async function write(count: number): Promise<void> {
  for (const entry of recording.take(count)) writer.record(entry);
  await writer.durable(recording.last);
  say(`acked ${recording.last}`);
}

try {
  if (mode === 'abrupt') {
    for (const entry of recording.take(3)) writer.record(entry);
    await writer.close(30_000);
    await journal.close();
    say('closed');
  } else {
    await write(3);
    if (mode === 'hold') setInterval(() => {}, 1000);
    if (mode === 'write') for (;;) await write(1 + (recording.last % 40));
  }
} catch (error) {
  say(`refused ${(error as Error & { code: string }).code}`);
  await journal.close();
}
