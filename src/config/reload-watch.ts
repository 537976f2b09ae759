import type { Observable } from 'rxjs';
import { defer, EMPTY, Subject } from 'rxjs';
import type { ConfigReloadFact } from '../../machines/index.ts';
import type { Clock } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { fileChanges } from '../streams/file-changes.ts';
import type { ConfigSource, SourceReading } from './source.ts';
import type { ConfigDisk } from './source-disk.ts';
import { ConfigWatch, DEPENDENCIES_MAX } from './watch.ts';
import type { ConfigWatchStatus } from './watch-status.ts';
import { within } from './within.ts';

/** A source and the watch over it, as one member uses them: read once, then watched from what was read. */
export class WatchedSource {
  readonly location: string;
  readonly #source: ConfigSource;
  readonly #options: WatchedSourceOptions;
  /** What stands for changes where nothing is watched. */
  readonly #asked = new Subject<ConfigReloadFact>();
  #watch: ConfigWatch | null = null;
  #files: readonly string[] = [];

  constructor(source: ConfigSource, options: WatchedSourceOptions) {
    this.location = source.location;
    this.#source = source;
    this.#options = options;
  }

  get status(): ConfigWatchStatus | null {
    return this.#watch?.status ?? null;
  }

  /** What the watch tells about itself. */
  get statuses(): Observable<ConfigWatchStatus> {
    return defer(() => this.#watch?.statuses ?? EMPTY);
  }

  /** What is there first; a change after that is told of. A disk that does not answer is not waited for. */
  async open(deadlineMs: number): Promise<SourceReading | null> {
    const { disk, clock, randomness, sweepMs, watch } = this.#options;
    const first = await within(clock, deadlineMs, this.#source.read()).catch(() => null);
    if (!watch) return first;
    this.#watch = new ConfigWatch({
      source: this.#source,
      disk,
      clock,
      randomness,
      known: first?.kind === 'read' ? first.sha : null,
      ...(sweepMs === undefined ? {} : { sweepMs }),
    });
    return first;
  }

  /** Facts for the chart; watching lasts as long as somebody listens. */
  get changes(): Observable<ConfigReloadFact> {
    return defer(() => (this.#watch === null ? this.#asked : fileChanges(this.#watch, this.#options.clock)));
  }

  /** For whoever takes what is there: it is not told of as a change any more. */
  read(): Promise<SourceReading> {
    return this.#watch?.read() ?? this.#source.read();
  }

  /** For whoever only wants to see it, or to decide first; says so by `took` if it is taken. */
  peek(): Promise<SourceReading> {
    return this.#watch?.peek() ?? this.#source.read();
  }

  took(sha: string): void {
    this.#watch?.took(sha);
  }

  /** Looks for a change because somebody said that there may be one; without a watch, whoever reads finds out. */
  lookNow(): void {
    if (this.#watch === null)
      this.#asked.next({ type: 'file.changed', at: this.#options.clock.monotonicMs() });
    else this.#watch.lookNow();
  }

  /** Watches the files that a configuration refers to, too. */
  depend(paths: readonly string[]): void {
    const isSame = paths.length === this.#files.length && paths.every((path, i) => path === this.#files[i]);
    if (isSame) return;
    this.#files = paths;
    this.#watch?.depend(paths.slice(0, DEPENDENCIES_MAX).map((path) => ({ path })));
  }
}

export interface WatchedSourceOptions {
  readonly disk: ConfigDisk;
  readonly clock: Clock;
  readonly randomness: Randomness;
  readonly sweepMs: number | undefined;
  /** False: nothing tells of changes; what is there is read when asked for. */
  readonly watch: boolean;
}
