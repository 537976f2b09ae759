import { statSync, watch, type FSWatcher } from 'node:fs';
import { basename, dirname } from 'node:path';
import { systemClock } from '../runtime/system-clock.ts';
import type { TimerId } from '../runtime/clock.ts';
import type { LeaseSignal } from './lease-store.ts';
import { signalBetween, type Watched } from './lease-signal.ts';
import { isBusy } from './sqlite-lease-errors.ts';
import { BUSY_TIMEOUT_MS } from './sqlite-lease-database.ts';
import type { LeaseSession } from './sqlite-lease-session.ts';

/** Changes of the file that come within this time are looked at together. */
const COALESCE_MS = 1;
/**
 * How long after a change of the file was seen another may not show in its times: those tick every few milliseconds.
 */
const TIMES_SETTLE_MS = 50;
/** How soon a watch that failed is tried again. */
const RETRY_MS = 1000;

export interface LeaseWatchEvents {
  signal(signal: LeaseSignal): void;
  /** The watch of the directory failed, or works again. */
  lost(error: unknown): void;
  restored(): void;
}

/**
 * Turns changes of the file into hints. The system tells of each write of another process to the file or its
 * journal; the last one of a transaction is made under its lock, so that a look after it sees what was committed.
 * Nothing is polled: without a change, nothing is read.
 */
export class LeaseWatch {
  readonly #path: string;
  readonly #session: LeaseSession;
  readonly #events: LeaseWatchEvents;
  /**
   * What was last told of each watched resource. `new`: nothing, and what stands now is not told. `missed`: something
   * may have been missed, which is told once it is known what stands, so that nothing falls in between.
   */
  readonly #told = new Map<string, Watched | null | 'new' | 'missed'>();
  #watcher: FSWatcher | null = null;
  #watched: string | null = null;
  #version: string | null = null;
  /** Times and sizes of the files when they were last seen to differ, and when that was. */
  #files = '';
  #filesSince = 0;
  #due: TimerId = null;
  #retry: TimerId = null;
  #isLost = false;

  constructor(path: string, session: LeaseSession, events: LeaseWatchEvents) {
    this.#path = path;
    this.#session = session;
    this.#events = events;
  }

  /** Watches these resources and no others. What stands now is not told. */
  set(resources: readonly string[]): void {
    for (const resource of this.#told.keys()) if (!resources.includes(resource)) this.#told.delete(resource);
    const added = resources.filter((resource) => !this.#told.has(resource));
    for (const resource of added) this.#told.set(resource, 'new');
    if (this.#told.size === 0) return this.#stop();
    // Watched before it is read: what changes in between is then told.
    this.#watchFile();
    this.#look(added);
  }

  /** After an operation of this process: what it changed is told at once. */
  changed(resource: string): void {
    if (this.#told.has(resource)) this.#look([resource]);
  }

  /** The file is another one: what was told before says nothing of it. */
  replaced(): void {
    for (const resource of this.#told.keys()) this.#told.set(resource, 'missed');
    this.#version = null;
    // The directory may be another too.
    this.#unwatch();
    if (this.#told.size > 0) this.#soon();
  }

  close(): void {
    this.#told.clear();
    this.#stop();
  }

  #stop(): void {
    this.#unwatch();
    if (this.#due !== null) systemClock.clearTimeout(this.#due);
    if (this.#retry !== null) systemClock.clearTimeout(this.#retry);
    this.#due = this.#retry = null;
  }

  /** Watches the directory of the file, where the path leads now. */
  #watchFile(): void {
    const file = this.#session.realPath ?? this.#path;
    if (this.#watcher !== null && this.#watched === file) return;
    this.#unwatch();
    const directory = dirname(file);
    const names = new Set([basename(file), `${basename(file)}-journal`]);
    try {
      const watcher = watch(directory, { persistent: false }, (_event, name) => {
        if (name === null || names.has(name)) this.#soon();
        // What is told under the name of the directory itself is its end.
        else if (name === basename(directory)) this.#lose(`${directory} was moved or deleted`);
      });
      watcher.on('error', (error) => this.#lose(error));
      this.#watcher = watcher;
      this.#watched = file;
    } catch (error) {
      this.#lose(error);
    }
  }

  #unwatch(): void {
    this.#watcher?.close();
    this.#watcher = this.#watched = null;
  }

  #lose(error: unknown): void {
    this.#unwatch();
    if (!this.#isLost) this.#events.lost(error);
    this.#isLost = true;
    this.#retry ??= systemClock.setTimeout(() => {
      this.#retry = null;
      if (this.#told.size === 0) return;
      this.#watchFile();
      if (this.#watcher === null) return;
      this.#isLost = false;
      this.#events.restored();
      this.replaced();
    }, RETRY_MS);
  }

  #soon(delayMs = COALESCE_MS): void {
    this.#due ??= systemClock.setTimeout(() => {
      this.#due = null;
      if (!this.#isEcho()) this.#look([]);
    }, delayMs);
  }

  /**
   * Whether nothing was written since the last look. A look is told as a change itself where SQLite, run by root,
   * gives the journal it opens its owner: to look at each would go on for ever.
   */
  #isEcho(): boolean {
    const file = this.#watched ?? this.#path;
    const now = this.#session.now();
    const files = `${written(file)} ${written(`${file}-journal`)}`;
    if (files !== this.#files) {
      this.#files = files;
      this.#filesSince = now;
      return false;
    }
    // A look that failed is made again in any case.
    return this.#version !== null && now - this.#filesSince > TIMES_SETTLE_MS;
  }

  /** Tells what has changed since it was last told: of all, if somebody else wrote; else of these. */
  #look(resources: readonly string[]): void {
    try {
      const version = this.#session.version();
      const byOthers = version !== this.#version;
      for (const resource of byOthers ? this.#told.keys() : resources) this.#compare(resource);
      this.#version = version;
      this.#watchFile();
    } catch (error) {
      // A writer that is held up by the disk; otherwise whoever asks next is told what is wrong.
      this.#version = null;
      for (const [resource, told] of this.#told) if (told === 'new') this.#told.set(resource, 'missed');
      this.#soon(isBusy(error) ? BUSY_TIMEOUT_MS : RETRY_MS);
    }
  }

  #compare(resource: string): void {
    const record = this.#session.record(resource);
    const before = this.#told.get(resource);
    this.#told.set(resource, record && { holder: record.holder, token: record.token, beat: record.beat });
    if (before === undefined || before === 'new') return;
    const gap: LeaseSignal = { kind: 'gap', resource };
    const signal = before === 'missed' ? gap : signalBetween(resource, before, record, this.#session.now());
    if (signal) this.#events.signal(signal);
  }
}

/** What changes when a file is written or replaced. */
function written(path: string): string {
  const file = statSync(path, { bigint: true, throwIfNoEntry: false });
  return file === undefined ? '-' : `${file.ino} ${file.mtimeNs} ${file.size}`;
}
