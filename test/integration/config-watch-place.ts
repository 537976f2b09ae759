import { mkdir, mkdtemp, realpath, rename, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import type { SourceReading } from '../../src/config/source.ts';
import type { ConfigDisk } from '../../src/config/source-disk.ts';
import { fileSource, type FileSourceOptions } from '../../src/config/source-files.ts';
import { systemDisk } from '../../src/config/source-system-disk.ts';
import { ConfigWatch } from '../../src/config/watch.ts';
import { fileChanges } from '../../src/streams/file-changes.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { systemRandomness } from '../../src/runtime/system-randomness.ts';

/** Longer than any test: what is found meanwhile, hints have told of. */
export const NO_SWEEP_MS = 600_000;
/** Often enough not to be waited for. */
export const OFTEN_MS = 150;

/** A directory of its own, gone after the test. */
export async function place(): Promise<{ readonly path: (...parts: string[]) => string } & AsyncDisposable> {
  const directory = await realpath(await mkdtemp(join(tmpdir(), 'conclave-watch-')));
  return {
    path: (...parts) => join(directory, ...parts),
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** What a reading holds, in one line. */
export function textOf(reading: SourceReading): string {
  if (reading.kind !== 'read') return reading.diagnostics.map(({ code }) => code).join(' ');
  return reading.files.map(({ bytes }) => Buffer.from(bytes).toString()).join('|');
}

interface Watching {
  readonly sweepMs?: number;
  readonly disk?: ConfigDisk;
  readonly known?: string | null;
}

/** A watch whose listener reads at each event, as one would that does not wait for quiet. */
export class Watched implements Disposable {
  readonly watch: ConfigWatch;
  /** Types of the events told. */
  readonly told: string[] = [];
  /** What was read at each. */
  readonly read: string[] = [];
  readonly #subscription;

  constructor(
    options: FileSourceOptions,
    { sweepMs = NO_SWEEP_MS, disk = systemDisk, known }: Watching = {},
  ) {
    const source = fileSource(disk, options);
    this.watch = new ConfigWatch({
      source,
      disk,
      clock: systemClock,
      randomness: systemRandomness,
      sweepMs,
      ...(known === undefined ? {} : { known }),
    });
    this.#subscription = fileChanges(this.watch, systemClock).subscribe((event) => {
      this.told.push(event.type);
      void source.read().then((reading) => this.read.push(textOf(reading)));
    });
  }

  static async over(options: FileSourceOptions, watching: Watching = {}): Promise<Watched> {
    const watched = new Watched(options, watching);
    await watched.until(() => watched.watch.status.watching);
    return watched;
  }

  /** Waits until the newest reading is this. */
  async sees(text: string): Promise<void> {
    await this.until(
      () => this.read.at(-1) === text,
      () => `Waited for ${text}, read ${JSON.stringify(this.read)} at ${JSON.stringify(this.told)}.`,
    );
  }

  async until(
    fact: () => boolean,
    missing = () => `It is ${JSON.stringify(this.watch.status)}.`,
  ): Promise<void> {
    const deadline = systemClock.monotonicMs() + 20_000;
    while (!fact()) {
      if (systemClock.monotonicMs() > deadline) throw new Error(missing());
      await new Promise((resolve) => setTimeout(resolve, 5));
    }
  }

  /** Waits until the watch has looked after everything that was done before this call. */
  async hasLooked(): Promise<void> {
    for (let times = 0; times < 2; times += 1) {
      const { looks } = this.watch.status;
      this.watch.lookNow();
      await this.until(() => this.watch.status.looks > looks);
    }
  }

  [Symbol.dispose](): void {
    this.#subscription.unsubscribe();
  }
}

/** Another file in the place of this one, as one step. */
export async function replaceFile(path: string, text: string): Promise<void> {
  await writeFile(`${path}.new`, text);
  await rename(`${path}.new`, path);
}

/** Another link in the place of this one, as one step. */
export async function replaceLink(path: string, target: string): Promise<void> {
  await symlink(target, `${path}.new`);
  await rename(`${path}.new`, path);
}

/** A volume as the kubelet writes it: files behind `..data`, which leads to a directory of this version. */
export async function swapVolume(
  directory: string,
  version: string,
  files: Readonly<Record<string, string>>,
): Promise<void> {
  const versioned = `..${version}`;
  await mkdir(join(directory, versioned), { recursive: true });
  for (const [name, text] of Object.entries(files)) await writeFile(join(directory, versioned, name), text);
  await replaceLink(join(directory, '..data'), versioned);
  for (const name of Object.keys(files))
    await symlink(join('..data', name), join(directory, name)).catch((error: unknown) => {
      if ((error as NodeJS.ErrnoException).code !== 'EEXIST') throw error;
    });
}

/** Makes a file with the directories on the way to it. */
export async function writeDeep(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true });
  await writeFile(path, text);
}
