import { statSync } from 'node:fs';
import { systemClock } from '../runtime/system-clock.ts';
import {
  decideAcquire,
  decideRelease,
  decideRenew,
  type Decision,
  type StoreMoment,
} from './lease-protocol.ts';
import { recordsEqual, viewOf, type LeaseRecord } from './lease-record.ts';
import type { LeaseView } from './lease-store.ts';
import { readClockDomain } from './sqlite-clock-domain.ts';
import { checkLeasePath, realFileSystem } from './sqlite-file-system.ts';
import { LeaseDatabase } from './sqlite-lease-database.ts';
import { breaksConnection } from './sqlite-lease-errors.ts';
import type { Call, LeaseWorkerOptions, Operations } from './sqlite-lease-messages.ts';

/**
 * The operations on the file, as the worker performs them: each one checks that the path still leads to the file
 * that is open, and is one transaction. Who finds another file opens that one; its incarnation is another, so that
 * the protocol waits out whatever may have been lost.
 */
export class LeaseSession {
  readonly #options: LeaseWorkerOptions;
  readonly #clock = readClockDomain();
  /** Told when the file at the path is another than before. */
  readonly #onReplaced: () => void;
  #db: LeaseDatabase | null = null;
  #connections = 0;
  #incarnation: string | null = null;
  #replaced = false;

  constructor(options: LeaseWorkerOptions, onReplaced: () => void) {
    this.#options = options;
    this.#onReplaced = onReplaced;
  }

  /** @throws SettingsError, StoreUnavailableError, or what SQLite throws */
  perform({ op, ask }: Call): Operations[Call['op']]['answer'] {
    switch (op) {
      case 'acquire':
        return this.#decide(ask.resource, (before, moment) => decideAcquire(before, ask, moment));
      case 'renew':
        return this.#decide(ask.resource, (before, moment) => decideRenew(before, ask, moment));
      case 'release':
        return this.#decide(ask.resource, (before) => decideRelease(before, ask));
      case 'read':
        return this.#view(ask.resource);
    }
  }

  /** The record as it stands, or null; makes no file. */
  record(resource: string): LeaseRecord | null {
    return this.#guarded(() => this.#present()?.read(resource, this.#clock, this.now()) ?? null);
  }

  /** Changes when somebody else has changed the file, or the file is another; null while there is none. */
  version(): string | null {
    return this.#guarded(() => {
      const db = this.#present();
      return db && `${this.#connections} ${db.version()}`;
    });
  }

  /** Where the file is, links followed; null while it is not open. */
  get realPath(): string | null {
    return this.#db?.realPath ?? null;
  }

  now(): number {
    return systemClock.monotonicMs();
  }

  close(): void {
    const db = this.#db;
    this.#db = null;
    db?.close();
  }

  #view(resource: string): LeaseView | null {
    const record = this.record(resource);
    return record && viewOf(resource, record, this.now());
  }

  #decide<Reply>(
    resource: string,
    decide: (before: LeaseRecord | null, moment: StoreMoment) => Decision<Reply>,
  ): Reply {
    return this.#guarded(() => {
      const db = this.#opened();
      return db.transact(() => {
        // Read with the lock in hand: the wait for it must not count as time that passed before.
        const now = this.now();
        const before = db.read(resource, this.#clock, now);
        const { reply, record } = decide(before, this.#moment(db, now));
        if (record && !recordsEqual(before, record)) db.write(resource, record, this.#clock);
        return reply;
      });
    });
  }

  #moment({ incarnation }: LeaseDatabase, now: number): StoreMoment {
    // Keeps tokens growing where the file was deleted. Nobody's safety hangs on it: the wall clock may step.
    const tokenFloor = BigInt(Math.floor(systemClock.wallMs()));
    // Whoever has seen one file go does not take the next one for a first start.
    const freshStore = this.#replaced ? 'wait' : this.#options.freshStore;
    return { now, incarnation, settleMs: 0, tokenFloor, freshStore };
  }

  /** The file that is there, or null. */
  #present(): LeaseDatabase | null {
    if (this.#db?.isInPlace() === true) return this.#db;
    this.close();
    const { path } = this.#options;
    return statSync(path, { throwIfNoEntry: false }) === undefined ? null : this.#opened();
  }

  /** The file, made if there is none. */
  #opened(): LeaseDatabase {
    if (this.#db?.isInPlace() === true) return this.#db;
    this.close();
    const { path } = this.#options;
    checkLeasePath(path, realFileSystem);
    const db = LeaseDatabase.open(path);
    this.#db = db;
    this.#connections += 1;
    if (this.#incarnation !== null && this.#incarnation !== db.incarnation) {
      this.#replaced = true;
      this.#onReplaced();
    }
    this.#incarnation = db.incarnation;
    return db;
  }

  #guarded<T>(perform: () => T): T {
    try {
      return perform();
    } catch (error) {
      if (breaksConnection(error)) this.close();
      throw error;
    }
  }
}
