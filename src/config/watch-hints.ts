import { basename } from 'node:path';
import type { Clock } from '../runtime/clock.ts';
import { type ConfigDisk, errorCodeOf } from './source-disk.ts';
import type { WatchPlace } from './source.ts';

/**
 * The hints of the operating system, from as many directories as a configuration's links lead through. They make the
 * watch fast, not right: nothing here may end it. What cannot be watched is tried again, later each time, and said.
 */

/** Most directories watched at a time; changes in any further one are left to the sweep. */
export const HINT_PLACES_MAX = 64;
/** How long to wait after a directory could not be watched: doubled each time, from the first to the second. */
const RETRY_MS = 1000;
const RETRY_MAX_MS = 60_000;

/** Why some place is not watched. */
export interface HintFailure {
  readonly path: string;
  readonly code: string;
  readonly message: string;
}

interface Armed {
  readonly identity: string;
  names: ReadonlySet<string> | null;
  readonly end: () => void;
}

interface Refused extends HintFailure {
  readonly retryAt: number;
  readonly waitMs: number;
}

export class HintWatches implements Disposable {
  readonly #disk: ConfigDisk;
  readonly #clock: Clock;
  readonly #onHint: () => void;
  readonly #armed = new Map<string, Armed>();
  readonly #refused = new Map<string, Refused>();
  /** How often the system refused, over all places. */
  refusals = 0;

  constructor(disk: ConfigDisk, clock: Clock, onHint: () => void) {
    this.#disk = disk;
    this.#clock = clock;
    this.#onHint = onHint;
  }

  /** The place that could not be watched, if there is any; the sweep alone finds what changes there. */
  get failure(): HintFailure | null {
    for (const { path, code, message } of this.#refused.values()) return { path, code, message };
    return null;
  }

  get count(): number {
    return this.#armed.size;
  }

  /**
   * Watches exactly these places from now on.
   *
   * @returns how many of them were not watched before: what happened there until now was told by nobody.
   */
  arm(places: readonly WatchPlace[]): number {
    const wanted = merged(places);
    for (const path of this.#armed.keys()) if (!wanted.has(path)) this.#end(path);
    for (const path of this.#refused.keys()) if (!wanted.has(path)) this.#refused.delete(path);
    let added = 0;
    for (const place of wanted.values()) {
      const armed = this.#armed.get(place.path);
      if (armed?.identity === place.identity) armed.names = place.names;
      else if (this.#watch(place)) added += 1;
    }
    return added;
  }

  [Symbol.dispose](): void {
    for (const path of this.#armed.keys()) this.#end(path);
  }

  #watch(place: WatchPlace): boolean {
    const { path, identity, names } = place;
    this.#end(path);
    const refused = this.#refused.get(path);
    if (refused !== undefined && refused.retryAt > this.#clock.monotonicMs()) return false;
    try {
      if (this.#armed.size >= HINT_PLACES_MAX) throw tooManyPlaces();
      const end = this.#disk.watch(
        path,
        ({ kind, name }) => this.#hinted(path, kind, name),
        (error) => this.#broke(path, error),
      );
      this.#armed.set(path, { identity, names, end });
      this.#refused.delete(path);
      return true;
    } catch (error) {
      this.#refuse(path, error);
      return false;
    }
  }

  #hinted(path: string, kind: 'rename' | 'change', name: string | null): void {
    const armed = this.#armed.get(path);
    if (armed === undefined) return;
    const own = kind === 'rename' && name === basename(path);
    const matters = own || name === null || armed.names === null || armed.names.has(name);
    // The directory itself was moved or removed: the next look finds out what is there now and watches that.
    if (own) this.#end(path);
    if (matters) this.#onHint();
  }

  #broke(path: string, error: Error): void {
    this.#end(path);
    this.#refuse(path, error);
    this.#onHint();
  }

  #refuse(path: string, error: unknown): void {
    const code = errorCodeOf(error);
    // Gone between looking and watching: the next look knows.
    if (code === 'ENOENT' || code === 'ENOTDIR') return;
    const before = this.#refused.get(path);
    const waitMs = before === undefined ? RETRY_MS : Math.min(before.waitMs * 2, RETRY_MAX_MS);
    const retryAt = this.#clock.monotonicMs() + waitMs;
    this.refusals += 1;
    this.#refused.set(path, { path, code, message: explain(path, code, error), retryAt, waitMs });
  }

  #end(path: string): void {
    this.#armed.get(path)?.end();
    this.#armed.delete(path);
  }
}

/** Several files share directories. */
function merged(places: readonly WatchPlace[]): Map<string, WatchPlace> {
  const byPath = new Map<string, WatchPlace>();
  for (const place of places) {
    const other = byPath.get(place.path);
    const anyName = place.names === null || other?.names === null;
    const names = anyName ? null : new Set([...place.names, ...(other?.names ?? [])]);
    byPath.set(place.path, { ...place, names });
  }
  return byPath;
}

function tooManyPlaces(): Error {
  return Object.assign(new Error(`more than ${HINT_PLACES_MAX} directories`), { code: 'TOO_MANY' });
}

function explain(path: string, code: string, error: unknown): string {
  const cures: Readonly<Record<string, string>> = {
    ENOSPC: 'Raise fs.inotify.max_user_watches on the host.',
    EMFILE: 'Raise fs.inotify.max_user_instances on the host, or the limit of open files of this process.',
    TOO_MANY: 'Keep the files in fewer directories.',
  };
  const why = error instanceof Error ? error.message : String(error);
  return `Changes in ${path} are noticed by the sweep only: the system refused to watch it (${why}). ${cures[code] ?? ''}`.trimEnd();
}
