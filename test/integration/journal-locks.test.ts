import { execFileSync } from 'node:child_process';
import { readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { sqliteJournal } from '../../src/journal/sqlite-journal.ts';
import { openJournal } from '../../src/journal/sqlite-open.ts';
import { headerOf, Recording } from '../contracts/journal-entries.ts';
import { scratch } from '../contracts/journal-places.ts';

/** Another program that opens the file and closes it: the last one to close takes the write-ahead log away. */
function visit(path: string): number {
  const program = `
    const db = new (require('node:sqlite').DatabaseSync)(process.argv[1]);
    console.log(Object.values(db.prepare('SELECT count(*) FROM record').get())[0]);
    db.close();`;
  return Number(
    execFileSync(process.execPath, ['--disable-warning=ExperimentalWarning', '-e', program, path]),
  );
}

/** The locks that processes have on the file, as the kernel tells; none where it does not. */
function locksOn(path: string): string[] {
  if (process.platform !== 'linux') return [];
  const file = `:${statSync(path).ino} `;
  const table = readFileSync('/proc/locks', 'utf8').split('\n');
  return table.filter((line) => line.includes(file)).map((line) => line.slice(line.indexOf(':') + 1));
}

test('looking at a journal from the process that writes it costs that process none of its locks', async () => {
  using place = scratch();
  const path = join(place.path, 'journal.db');
  await using journal = sqliteJournal({ path });
  const writer = journal.writer(headerOf('s'));
  const recording = new Recording();
  const write = async () => {
    writer.record(recording.next());
    await writer.durable(recording.last);
  };
  await write();

  const before = locksOn(path);
  for (let i = 0; i < 3; i++) await openJournal(path).close();
  expect(locksOn(path)).toEqual(before);
  expect(before).toHaveLength(process.platform === 'linux' ? 1 : 0);
  visit(path);

  await write();
  // By another process: what is in the file, not what this one remembers.
  expect(visit(path)).toBe(2);
  await write();
  expect(visit(path)).toBe(3);
});
