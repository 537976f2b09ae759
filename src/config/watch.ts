import { BehaviorSubject, type Observable, Subject } from 'rxjs';
import { SettingsError } from '../errors.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { pinnedFile, remoteFileSystem } from './mounts.ts';
import type { ConfigSource, FoundFile, SourceReading, WatchPlace } from './source.ts';
import type { ConfigDisk } from './source-disk.ts';
import { fileSource } from './source-files.ts';
import { held } from './source-problems.ts';
import { HintWatches } from './watch-hints.ts';
import { missingIdentity } from './watch-judgement.ts';
import { type ConfigWatchStatus, WatchAccount } from './watch-status.ts';
import { type DoubtfulReading, WatchSubject } from './watch-subject.ts';

/**
 * The watch over a configuration's files.
 *
 * What it guarantees: other bytes than those last told of, or read, are told within two sweeps of their having come to
 * rest, whatever the system's hints are worth; the same bytes are not told of twice in a row; what vanished, was emptied
 * or lost half of its bytes is told only if a later sweep still finds it so. No error ends it. Who listens reads through
 * it (`read`), so that what is told is always measured against what the listener has. What it leaves to others: to
 * wait until a file has been left alone (the chart does), and to judge what is in it.
 *
 * Hints (`watch-hints.ts`) say when to look, the sweep looks without being told, the fingerprint says whether to read,
 * the hash whether to tell (`watch-subject.ts`).
 */

/** Interval of the sweep, in milliseconds: on disks of this host, and on those that other hosts write to. */
export const SWEEP_MS = 2000;
export const SWEEP_REMOTE_MS = 5000;
/** Each sweep comes up to this part of the interval earlier or later, so that members do not sweep together. */
const SWEEP_SPREAD = 0.2;
/** What is suspicious is believed at the first sweep that comes at least this part of the interval after it. */
const BELIEVE_AFTER = 0.5;
/** The least between two looks, in milliseconds: a writer in many small steps costs 20 looks a second. */
const LOOK_GAP_MS = 50;
/** A hint this late still counts as one. */
const HINT_LATE_MS = 250;
/** A look that takes longer is reported. There is never a second one beside it. */
const LOOK_STALLED_MS = 10_000;
/** Looks after each other because there was a new place to watch. */
const ARM_ROUNDS_MAX = 8;
/** Most files watched besides the configuration itself. */
export const DEPENDENCIES_MAX = 100;

/** What asks for a look. */
interface Due {
  readonly hinted: boolean;
  readonly asked: boolean;
  readonly swept: boolean;
}

const NOT_DUE: Due = { hinted: false, asked: false, swept: false };

export interface ConfigWatchOptions {
  readonly source: ConfigSource;
  readonly disk: ConfigDisk;
  readonly clock: Clock;
  readonly randomness: Randomness;
  /** Interval of the sweep, in milliseconds. Default 2000, and 5000 on network file systems. */
  readonly sweepMs?: number;
  /** Hash of what the caller has read already: only something else is told. Default null: what is there is told first. */
  readonly known?: string | null;
}

/** A file that the configuration refers to. */
export interface WatchedDependency {
  /** Absolute. */
  readonly path: string;
  /** SHA-256 of what was read of it, null if it was not there; without it, only changes from now on are told. */
  readonly sha?: string | null;
}

/** What the watch tells: the configuration is another, is gone, or something it refers to is another. */
export type WatchedChange = 'changed' | 'missing' | 'dependencies';

/**
 * @example
 * const watch = new ConfigWatch({ source, disk: systemDisk, clock: systemClock, randomness: systemRandomness });
 * watch.changes.subscribe(() => actor.send({ type: 'file.changed', at: systemClock.monotonicMs() }));
 * watch.start();
 */
export class ConfigWatch implements Disposable {
  readonly #options: ConfigWatchOptions;
  readonly #hints: HintWatches;
  readonly #main: WatchSubject;
  #dependencies = new Map<string, WatchSubject>();
  readonly #changes = new Subject<WatchedChange>();
  readonly #account: WatchAccount;
  readonly #status: BehaviorSubject<ConfigWatchStatus>;
  readonly #timers: { sweep?: TimerId; gap?: TimerId; late?: TimerId; stalled?: TimerId } = {};
  #looking = false;
  #state: 'new' | 'started' | 'stopped' = 'new';
  /** What asks for a look and has not had one. */
  #due: Due = NOT_DUE;
  #mountsOf = '';

  /** @throws SettingsError `SETTINGS_INVALID` */
  constructor(options: ConfigWatchOptions) {
    const { sweepMs = SWEEP_MS, source, disk, clock, known = null } = options;
    if (!(sweepMs >= 1 && sweepMs <= 3_600_000))
      throw new SettingsError(
        'SETTINGS_INVALID',
        `sweepMs is ${String(sweepMs)}, but must be from 1 to 3600000 milliseconds.`,
      );
    this.#options = options;
    this.#main = new WatchSubject(source, known);
    this.#hints = new HintWatches(disk, clock, () => this.#hint());
    this.#account = new WatchAccount(sweepMs);
    this.#status = new BehaviorSubject(this.#account.status(this.#subjects(), this.#hints));
  }

  /** Each change, once it is certain. Never errors; completes at `stop`. */
  get changes(): Observable<WatchedChange> {
    return this.#changes;
  }

  /** What the watch tells about itself: now, and after each look. Completes at `stop`. */
  get statuses(): Observable<ConfigWatchStatus> {
    return this.#status;
  }

  get status(): ConfigWatchStatus {
    return this.#status.value;
  }

  /** Begins to watch; the first look begins at once. Has no effect a second time. */
  start(): void {
    if (this.#state !== 'new') return;
    this.#state = 'started';
    this.#setSweep();
    this.lookNow();
  }

  /** Looks without waiting for a hint or the sweep: on SIGHUP, on a message from elsewhere. */
  lookNow(): void {
    this.#due = { ...this.#due, asked: true };
    this.#next();
  }

  /**
   * From now on watches these files besides the configuration, and no others.
   *
   * @throws SettingsError `SETTINGS_INVALID` if there are more than `DEPENDENCIES_MAX`.
   */
  depend(on: readonly WatchedDependency[]): void {
    if (on.length > DEPENDENCIES_MAX)
      throw new SettingsError(
        'SETTINGS_INVALID',
        `The configuration refers to ${on.length} files, but at most ${DEPENDENCIES_MAX} can be watched.`,
      );
    const subjectOf = ({ path, sha }: WatchedDependency) =>
      new WatchSubject(
        fileSource(this.#options.disk, { files: path }),
        sha === null ? missingIdentity(path) : sha,
      );
    this.#dependencies = new Map(
      on.map((each) => {
        const same = each.sha === undefined ? this.#dependencies.get(each.path) : undefined;
        return [each.path, same ?? subjectOf(each)];
      }),
    );
    this.lookNow();
  }

  /**
   * Reads the configuration for whoever listens to the changes: whatever is found to be other than this is told. What
   * may be half-done work is refused, as transient, until it was seen once more.
   */
  async read(): Promise<SourceReading> {
    return this.#unlessHeld(await this.#main.read());
  }

  /** The same for somebody who only wants to see, and does nothing with it: changes are told as if nobody had read. */
  async peek(): Promise<SourceReading> {
    return this.#unlessHeld(await this.#main.peek());
  }

  /** Who listens has taken these bytes; they need not be told of. */
  took(sha: string): void {
    this.#main.took(sha);
  }

  #unlessHeld({ reading, doubt }: DoubtfulReading): SourceReading {
    if (doubt === null) return reading;
    const { diagnostic } = held(this.#main.source.location, doubt);
    this.lookNow();
    return { kind: 'refused', look: reading.look, transient: true, diagnostics: [diagnostic] };
  }

  /** Ends it. A look under way finds its way back alone: a file system that hangs must not hold up the end. */
  stop(): void {
    if (this.#state === 'stopped') return;
    this.#state = 'stopped';
    for (const timer of Object.values(this.#timers)) this.#options.clock.clearTimeout(timer);
    this.#hints[Symbol.dispose]();
    this.#changes.complete();
    this.#status.complete();
  }

  [Symbol.dispose](): void {
    this.stop();
  }

  #subjects(): WatchSubject[] {
    return [this.#main, ...this.#dependencies.values()];
  }

  #hint(): void {
    this.#account.hints += 1;
    this.#due = { ...this.#due, hinted: true };
    this.#next();
  }

  #setSweep(): void {
    const { clock, randomness } = this.#options;
    const delay = this.#account.sweepMs * (1 - SWEEP_SPREAD + 2 * SWEEP_SPREAD * randomness.unit());
    this.#timers.sweep = clock.setTimeout(() => {
      this.#setSweep();
      this.#due = { ...this.#due, swept: true };
      this.#next();
    }, delay);
  }

  /** Looks if something asks for it; one look at a time, with a gap between. */
  #next(): void {
    if (this.#state !== 'started' || this.#looking || this.#timers.gap !== undefined) return;
    if (this.#due === NOT_DUE) return;
    const { clock } = this.#options;
    const due = this.#due;
    this.#due = NOT_DUE;
    this.#looking = true;
    this.#timers.stalled = clock.setTimeout(() => {
      this.#account.stalled = true;
      this.#publish();
    }, LOOK_STALLED_MS);
    void this.#look(due)
      .catch((error: unknown) => this.#account.failed(error))
      .finally(() => {
        clock.clearTimeout(this.#timers.stalled);
        this.#account.stalled = false;
        this.#looking = false;
        if (this.#state !== 'started') return;
        this.#publish();
        this.#timers.gap = clock.setTimeout(() => {
          delete this.#timers.gap;
          this.#next();
        }, LOOK_GAP_MS);
      });
  }

  async #look(due: Due): Promise<void> {
    const hintsBefore = this.#account.hints;
    if (due.swept) this.#account.sweeps += 1;
    let isNews = false;
    for (let round = 1; ; round += 1) {
      const found = await this.#lookOnce(due.swept);
      isNews ||= found.isNews;
      if (this.#state !== 'started') return;
      // What happened at a new place before it was watched, nobody told.
      if (this.#hints.arm(found.places) === 0 || round === ARM_ROUNDS_MAX) break;
    }
    this.#account.watching = true;
    if (isNews) this.#creditHints(due, hintsBefore);
  }

  async #lookOnce(sweeps: boolean) {
    const { clock } = this.#options;
    const places: WatchPlace[] = [];
    const files: FoundFile[] = [];
    let isNews = false;
    const now = () => ({
      monotonicMs: clock.monotonicMs(),
      wallMs: clock.wallMs(),
      believeAfterMs: sweeps ? this.#account.sweepMs * BELIEVE_AFTER : null,
    });
    for (const subject of this.#subjects()) {
      const sighting = await subject.look(now);
      this.#account.looked(sighting);
      isNews ||= sighting.isNews;
      places.push(...sighting.look.places);
      files.push(...sighting.look.files);
      // Each on its own: who was told of one may have read the next before it changed.
      if (sighting.told !== null) this.#tell(subject === this.#main ? sighting.told : 'dependencies');
    }
    places.push(...(await this.#readMounts(files)));
    return { places, isNews };
  }

  #tell(change: WatchedChange): void {
    if (this.#state !== 'started') return;
    this.#account.changes += 1;
    this.#changes.next(change);
  }

  /** Whether hints work: a change that a sweep found counts against them, unless its hint is only late. */
  #creditHints({ hinted, asked, swept }: Due, hintsBefore: number): void {
    const { clock } = this.#options;
    if (hinted) this.#account.foundBySweepInARow = 0;
    if (hinted || asked || !swept) return;
    if (this.#timers.late !== undefined) clock.clearTimeout(this.#timers.late);
    this.#timers.late = clock.setTimeout(() => {
      if (this.#account.hints !== hintsBefore) return;
      this.#account.foundBySweep += 1;
      this.#account.foundBySweepInARow += 1;
      this.#publish();
    }, HINT_LATE_MS);
  }

  /** Looks at the mounts when files moved or lost their names; a file mounted by itself is a place of its own. */
  async #readMounts(files: readonly FoundFile[]): Promise<WatchPlace[]> {
    const seen = files
      .map(({ realPath, entry }) => `${realPath}\0${entry.device}\0${entry.links === 0}`)
      .join('\n');
    if (seen !== this.#mountsOf) {
      const mountinfo = await this.#options.disk.mountinfo();
      const remotes = files.map(({ realPath }) => remoteFileSystem(realPath, mountinfo));
      this.#account.remote = remotes.find((type) => type !== null) ?? null;
      this.#account.pinned = pinnedFile(files, mountinfo);
      this.#account.sweepMs =
        this.#options.sweepMs ?? (this.#account.remote === null ? SWEEP_MS : SWEEP_REMOTE_MS);
      this.#mountsOf = seen;
    }
    const pinned = this.#account.pinned?.file;
    if (pinned === undefined) return [];
    const { realPath, entry } = pinned;
    return [{ path: realPath, identity: `${entry.device}:${entry.inode}`, names: null }];
  }

  #publish(): void {
    if (this.#state === 'started') this.#status.next(this.#account.status(this.#subjects(), this.#hints));
  }
}
