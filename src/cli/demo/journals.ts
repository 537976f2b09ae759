import { readdirSync } from 'node:fs';
import { basename, join } from 'node:path';
import type { JournalReader } from '../../journal/durable-reader.ts';
import { exportJournal } from '../../journal/jsonl-export.ts';
import { openJournal } from '../../journal/sqlite-open.ts';
import { placesIn } from '../member-places.ts';

/** The journals that the members of a demo are writing, as they come to be. */
export class DemoJournals implements AsyncDisposable {
  readonly #directory: string;
  readonly #readers = new Map<string, JournalReader>();

  constructor(directory: string) {
    this.#directory = placesIn(directory).journals;
  }

  /** Opens those that are new; one that is only being made is there at the next look. */
  get readers(): readonly JournalReader[] {
    for (const file of this.#files()) {
      if (this.#readers.has(file)) continue;
      try {
        this.#readers.set(file, openJournal(join(this.#directory, file)));
      } catch {
        // Its process is about to make it.
      }
    }
    return [...this.#readers.values()];
  }

  /** Names under which they can be saved. */
  get names(): readonly string[] {
    return this.#files().map((file) => `${basename(file, '.db')}.jsonl`);
  }

  /** One in its travelling form, as it stands; null if there is no such journal. */
  async saved(name: string): Promise<Uint8Array | null> {
    void this.readers;
    const reader = this.#readers.get(`${basename(name, '.jsonl')}.db`);
    if (reader === undefined) return null;
    const chunks: Uint8Array[] = [];
    await exportJournal(reader, (chunk) => void chunks.push(chunk));
    return Buffer.concat(chunks);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all([...this.#readers.values()].map((reader) => reader.close()));
  }

  #files(): string[] {
    try {
      return readdirSync(this.#directory)
        .filter((file) => file.endsWith('.db'))
        .toSorted();
    } catch {
      return [];
    }
  }
}
