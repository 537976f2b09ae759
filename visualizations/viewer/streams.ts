import type { JournalRecord } from '../../src/journal/journal.ts';
import { checkRecord, FileRefused, jsonAt, type JournalFile, type Line } from './journal-file.ts';
import { slim, type SlimRecord } from './slim.ts';

/** Every stream that is open, from files and from running members, each record once. */

/** Live records that are kept; older ones are let go, and the page says so. */
const LIVE_RECORDS_MAX = 100_000;
/** Let go at a time, so that it is not done for every record. */
const LET_GO_SHARE = 0.25;

/** Where the whole of a record is: in a file's bytes, or in the text that came. */
type Source = string | Line;

/** What could be read of a file, or why nothing could. */
export interface ReadFile {
  readonly name: string;
  readonly read: JournalFile | FileRefused;
}

export interface Stream {
  readonly name: string;
  /** What the timeline needs of each; the whole is read again when it is looked at. */
  records: SlimRecord[];
  sources: Source[];
  /** Number of the last record that ever came, kept or not. */
  last: number;
  /** How many were let go from its beginning. */
  dropped: number;
  /** File it is from; null for a live one. */
  file: string | null;
}

export class Streams {
  readonly #streams = new Map<string, Stream>();
  #letGo = 0;
  problems: string[] = [];

  get all(): readonly Stream[] {
    return [...this.#streams.values()];
  }

  get notices(): readonly string[] {
    if (this.#letGo === 0) return [];
    return [`The oldest ${this.#letGo} records were let go from this page; the members' journals have them.`];
  }

  /**
   * Adds what can be read of files; what cannot is said in `problems`.
   *
   * @throws FileRefused if there is no record in any of them
   */
  add(files: readonly ReadFile[]): void {
    this.problems = [];
    let found = 0;
    for (const { name, read } of files) {
      if (read instanceof FileRefused) {
        this.problems.push(read.message);
        continue;
      }
      const { lines, problem } = read;
      if (problem !== null) this.problems.push(problem);
      else if (lines.length === 0) this.problems.push(`${name} is a journal without a record.`);
      found += lines.length;
      for (const [stream, own] of Map.groupBy(lines, ({ record }) => record.stream))
        this.#add(name, stream, own);
    }
    if (found === 0 && this.problems.length > 0) throw new FileRefused(this.problems.join(' '));
  }

  #add(file: string, name: string, lines: readonly Line[]): void {
    const held = this.#streams.get(name);
    const last = lines.at(-1)?.record.seq ?? 0;
    if (held !== undefined) {
      const kept = last > held.last ? file : (held.file ?? 'the running member');
      this.problems.push(
        `${name} is in ${held.file ?? 'what runs'} and in ${file}: shown is that of ${kept}.`,
      );
      if (last <= held.last) return;
    }
    const before = lines.findIndex(
      ({ record }, at) => record.seq + 1 !== (lines[at + 1]?.record.seq ?? record.seq + 1),
    );
    if (before >= 0)
      this.problems.push(
        `In ${file} records of ${name} are missing before number ${lines[before + 1]?.record.seq}: what is shown around it may be wrong.`,
      );
    this.#streams.set(name, {
      name,
      records: lines.map(({ record }) => record),
      sources: [...lines],
      last,
      dropped: 0,
      file,
    });
  }

  /** Adds live records. A stream that is sent again, after a break, brings nothing new. */
  append(lines: readonly string[]): void {
    for (const line of lines) {
      const record = checkRecord(JSON.parse(line), 'what was received');
      const { stream: name, seq } = record;
      const stream = this.#streams.get(name) ?? newStream(name);
      this.#streams.set(name, stream);
      if (seq <= stream.last) continue;
      stream.last = seq;
      stream.records.push(slim(record));
      stream.sources.push(line);
    }
    const live = this.all.filter(({ file }) => file === null);
    const count = live.reduce((sum, { records }) => sum + records.length, 0);
    if (count > LIVE_RECORDS_MAX) this.#letGoOf(live);
  }

  #letGoOf(live: readonly Stream[]): void {
    const times = live.flatMap(({ records }) => records.map(({ wall }) => wall)).toSorted((a, b) => a - b);
    const before = times[Math.floor(times.length * LET_GO_SHARE)] ?? 0;
    for (const stream of live) {
      const at = stream.records.findIndex(({ wall }) => wall >= before);
      const gone = at < 0 ? stream.records.length : at;
      this.#letGo += gone;
      stream.dropped += gone;
      stream.records = stream.records.slice(gone);
      stream.sources = stream.sources.slice(gone);
    }
  }

  clear(): void {
    this.#streams.clear();
    this.#letGo = 0;
    this.problems = [];
  }
}

const newStream = (name: string): Stream => ({
  name,
  records: [],
  sources: [],
  last: 0,
  dropped: 0,
  file: null,
});

/** Record `at` of a stream, with everything. */
export function wholeRecord({ sources }: Stream, at: number): JournalRecord {
  const source = sources[at] ?? 'null';
  const value: unknown = typeof source === 'string' ? JSON.parse(source) : jsonAt(source);
  return value as JournalRecord;
}
