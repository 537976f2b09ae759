/** The lock file pins versions and checksums, and leaves it to each machine where packages come from. */
import { expect, test } from 'vitest';
import { read } from './repository.ts';

interface LockFile {
  readonly packages: Record<string, Record<string, unknown>>;
}

const { packages } = JSON.parse(read('package-lock.json')) as LockFile;
const installed = Object.entries(packages).filter(([path]) => path !== '');

test('says nowhere where a package was downloaded from', () => {
  expect(read('package-lock.json')).not.toContain('"resolved"');
  const withHost = installed.filter(([, { funding: _funding, ...rest }]) =>
    /\w+:\/\//.test(JSON.stringify(rest)),
  );
  expect(withHost.map(([path]) => path)).toEqual([]);
});

test('pins a checksum for every package', () => {
  // What is bundled inside another package has no archive of its own.
  const loose = installed.filter(
    ([, entry]) => entry['integrity'] === undefined && entry['inBundle'] !== true,
  );
  expect(loose.map(([path]) => path)).toEqual([]);
});

test('was made from the package.json beside it', () => {
  const { name, version, dependencies, devDependencies, peerDependencies } = JSON.parse(
    read('package.json'),
  ) as Record<string, unknown>;
  expect(packages['']).toMatchObject({ name, version, dependencies, devDependencies, peerDependencies });
});

test('holds every optional dependency, those for other platforms too, or `npm ci` refuses it', () => {
  const pinned = new Set(installed.map(([path]) => path.split('node_modules/').at(-1)));
  const wanted = installed.flatMap(([, entry]) => Object.keys(entry['optionalDependencies'] ?? {}));
  expect(wanted.filter((name) => !pinned.has(name))).toEqual([]);
});
