/**
 * Watches FILE, by hints alone, and writes each change of what it finds as a line of JSON; ends with its input.
 * Run where FILE is a mount of its own. Usage: node config-watch-mounted.ts FILE
 */
import { Watched } from './config-watch-place.ts';

const [, , path = ''] = process.argv;
using watched = await Watched.over({ files: path });
let last = '';
const telling = setInterval(() => {
  const { degraded, sweeps } = watched.watch.status;
  const line = JSON.stringify({ read: watched.read.at(-1) ?? null, degraded, sweeps });
  if (line !== last) process.stdout.write(`${line}\n`);
  last = line;
}, 10);
await new Promise((resolve) => process.stdin.on('end', resolve).resume());
clearInterval(telling);
