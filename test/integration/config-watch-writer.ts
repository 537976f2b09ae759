/**
 * Swaps a volume of three files behind `..data` as fast as it can, as the kubelet does it, until its input ends.
 * Each file holds the number of its version; so many earlier versions are left. Usage: … DIRECTORY KEPT
 */
import { mkdirSync, renameSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

const [, , directory = '', kept = '0'] = process.argv;
const names = ['a.yaml', 'b.yaml', 'c.yaml'];
let version = 0;

function swap(): void {
  version += 1;
  mkdirSync(join(directory, `..v${version}`));
  for (const name of names) writeFileSync(join(directory, `..v${version}`, name), String(version));
  symlinkSync(`..v${version}`, join(directory, '..data_tmp'));
  renameSync(join(directory, '..data_tmp'), join(directory, '..data'));
  rmSync(join(directory, `..v${version - 1 - Number(kept)}`), { recursive: true, force: true });
}

swap();
for (const name of names) symlinkSync(join('..data', name), join(directory, name));
process.stdout.write('ready\n');

process.stdin.resume();
while (!process.stdin.readableEnded) {
  // Where nothing is left of earlier versions, a reader has to be done between two swaps.
  for (let times = kept === '0' ? 19 : 0; times < 20; times += 1) swap();
  await new Promise((resolve) => setTimeout(resolve, 5));
}
process.stdout.write(`${version}\n`);
