/**
 * Watches FILE and writes each change of what it finds as a line of JSON; ends with its input.
 * Run where FILE is a mount of its own. Usage: node config-watch-mounted.ts FILE
 */
import { OFTEN_MS, Watched } from './config-watch-place.ts';

const [, , path = ''] = process.argv;
using watched = await Watched.over({ files: path }, { sweepMs: OFTEN_MS });
let last = '';
const done = new Promise((resolve) => process.stdin.on('end', resolve).resume());
watched.watch.statuses.subscribe(({ degraded, foundBySweep }) => {
  const line = JSON.stringify({ read: watched.read.at(-1) ?? null, degraded, foundBySweep });
  if (line !== last) process.stdout.write(`${line}\n`);
  last = line;
});
await done;
