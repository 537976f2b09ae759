import { execFile } from 'node:child_process';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { expect, test } from 'vitest';
import { scratch } from '../contracts/journal-places.ts';

const program = `
import { readFileSync } from 'node:fs';
import { setTimeout as wait } from 'node:timers/promises';
import { sqliteLeases } from '${new URL('../../src/sqlite.ts', import.meta.url).href}';
const leases = sqliteLeases({ path: process.argv[1] });
leases.watch('r').subscribe(() => {});
const { signal } = new AbortController();
const times = { leaseMs: 60_000, graceMs: 0, longestMs: 60_000 };
await leases.acquire({ resource: 'r', id: 'a', attempt: 1, seen: 0n, observed: null, loss: null, nonce: 'n', ...times }, { signal });
const reads = () => Number(/syscr: (\\d+)/.exec(readFileSync('/proc/self/io', 'utf8'))[1]);
const windows = [];
for (let i = 0; i < 10; i++) {
  const before = reads();
  await wait(200);
  windows.push(reads() - before);
}
console.log(JSON.stringify(windows));
await leases.close();
`;

test.runIf(process.platform === 'linux')(
  'a store that nobody writes to is not read either, once it has settled',
  async () => {
    using place = scratch();
    const flags = ['--input-type=module', '-e', program, join(place.path, 'leases.db')];
    const { stdout } = await promisify(execFile)(process.execPath, flags);
    const windows = JSON.parse(stdout) as number[];
    // The quietest stretch: a look reads several times, and looks that set each other off never pause.
    expect(Math.min(...windows), stdout).toBeLessThan(10);
  },
);
