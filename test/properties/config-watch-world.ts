import { fileSource } from '../../src/config/source-files.ts';
import { ConfigWatch, SWEEP_MS } from '../../src/config/watch.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { fileChanges } from '../../src/streams/file-changes.ts';
import { MemoryDisk } from './config-watch-disk.ts';
import { Chance } from './lease-protocol-chance.ts';

export const DIRECTORY = '/etc/conf';
export const PATH = `${DIRECTORY}/app.hcl`;
export const ELSEWHERE = '/srv/other/app.hcl';
/** Two sweeps and what they may come late, and what looks take: after this everything has been told. */
export const QUIET_MS = 3 * 1.2 * SWEEP_MS;

/** A watched file, and who reads it when told to. */
export class World {
  readonly clock = new VirtualClock();
  readonly disk: MemoryDisk;
  readonly watch: ConfigWatch;
  readonly told: string[] = [];
  /** What was read at the last event. */
  read: string | null = null;
  #contents = 0;

  constructor(seed: number, content = 'port=0'.repeat(10), sweepMs?: number, known: string | null = null) {
    this.disk = new MemoryDisk(this.clock, seed);
    this.disk.makeDirectory(DIRECTORY);
    this.disk.makeDirectory('/srv/other');
    this.disk.write(PATH, content);
    const source = fileSource(this.disk, { files: PATH });
    const chance = new Chance(seed + 1);
    const randomness = { unit: () => chance.unit(), id: () => 'id' };
    this.watch = new ConfigWatch({
      source,
      disk: this.disk,
      clock: this.clock,
      randomness,
      known,
      ...(sweepMs === undefined ? {} : { sweepMs }),
    });
  }

  start(): void {
    fileChanges(this.watch, this.clock).subscribe(({ type }) => {
      this.told.push(type);
      void this.#readNow();
    });
  }

  async #readNow(): Promise<void> {
    const times = this.told.length;
    const reading = await this.watch.read();
    if (times !== this.told.length) return;
    // As the chart does with what may pass by itself.
    if (reading.kind === 'refused' && reading.transient) this.at(1000, () => void this.#readNow());
    this.read = reading.kind === 'read' ? Buffer.from(reading.files[0]!.bytes).toString() : reading.kind;
  }

  /** Another content than the last, or the one before that. */
  fresh(times: number): string {
    this.#contents += 1;
    return `port=${this.#contents % 3}\n`.repeat(times);
  }

  at(ms: number, act: () => void): void {
    this.clock.setTimeout(act, ms);
  }

  /** Moves time, letting everything that waits for an answer of the disk go on at each step. */
  async run(ms: number): Promise<void> {
    const until = this.clock.nowMs + ms;
    while (this.clock.nextMs !== null && this.clock.nextMs <= until) {
      this.clock.runNext();
      await new Promise((resolve) => setImmediate(resolve));
    }
    this.clock.runUntil(until);
  }
}
