import { createReadStream, createWriteStream, mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { basename, dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { ConclaveError, JournalError, SettingsError } from '../errors.ts';
import type { JournalReader } from '../journal/durable-reader.ts';
import { hashRecord } from '../journal/codec.ts';
import type { JournalRecord, StreamSummary } from '../journal/journal.ts';
import { readJsonl } from '../journal/jsonl-read.ts';
import { openJournal } from '../journal/sqlite-open.ts';
import { nearest } from '../suggest.ts';

/** How people write "standard input" where a file is expected. */
export const STDIN = '-';

/** A journal as a command was given it. */
export class JournalSource implements AsyncDisposable {
  /** As it was given. */
  readonly name: string;
  readonly reader: JournalReader;
  /** Where it is read. */
  readonly #path: string;
  readonly #cleanUp: () => void;
  /** What is wrong with it, once it has been asked for its streams. */
  damage: JournalError | null = null;

  private constructor(name: string, path: string, cleanUp = () => {}) {
    this.name = name;
    this.reader = openJournal(path);
    this.#path = path;
    this.#cleanUp = cleanUp;
  }

  /**
   * Opens a file, or standard input for `-`.
   *
   * @throws JournalError, SettingsError that say what the file is instead, or what else there is
   */
  static async open(path: string): Promise<JournalSource> {
    if (path === STDIN) return JournalSource.#fromStdin();
    try {
      return new JournalSource(path, path);
    } catch (error) {
      throw error instanceof JournalError && error.code === 'JOURNAL_NOT_FOUND'
        ? notFound(path, error)
        : error;
    }
  }

  /** A copy on disk, since a journal is read more than once and may be longer than memory. */
  static async #fromStdin(): Promise<JournalSource> {
    const directory = mkdtempSync(join(tmpdir(), 'conclave-stdin-'));
    const cleanUp = () => rmSync(directory, { recursive: true, force: true });
    const copy = join(directory, 'standard-input');
    try {
      await pipeline(process.stdin, createWriteStream(copy, { mode: 0o600 }));
      return new JournalSource(STDIN, copy, cleanUp);
    } catch (error) {
      cleanUp();
      throw withoutPath(error, copy);
    }
  }

  /**
   * The wanted streams, or all: by their whole names or by a part that only one has.
   *
   * @throws JournalError `JOURNAL_NOT_FOUND` naming those there are; `JOURNAL_CORRUPT`, `JOURNAL_TRUNCATED`
   */
  async streams(wanted: readonly string[] = []): Promise<readonly StreamSummary[]> {
    const { streams, damage } = await this.survey(wanted);
    if (damage !== null) throw damage;
    return streams;
  }

  /** As `streams`, but of a damaged journal what precedes the damage. */
  async survey(wanted: readonly string[] = []): Promise<Survey> {
    const { streams: all, damage } = await this.#survey();
    if (all.length === 0)
      throw (
        damage ??
        new JournalError('JOURNAL_NOT_FOUND', `${this.told} holds no stream: nothing was recorded yet.`)
      );
    return { streams: wanted.length === 0 ? all : wanted.map((name) => this.#pick(name, all)), damage };
  }

  /** The only stream, or the wanted one; of a damaged journal what precedes the damage. */
  async stream(wanted: string | undefined): Promise<StreamSummary> {
    const { streams } = await this.survey(wanted === undefined ? [] : [wanted]);
    const [only] = streams;
    if (only !== undefined && streams.length === 1) return only;
    throw new SettingsError(
      'SETTINGS_INVALID',
      `${this.told} holds ${listed(streams)}: choose one by --stream.`,
    );
  }

  /** Records up to `seq`; what follows is not even looked at, so that damage there does no harm. */
  async *recordsTo(stream: string, seq: number, from = 1): AsyncGenerator<JournalRecord> {
    for await (const record of this.reader.read(stream, { from, to: seq })) {
      yield record;
      if (record.seq >= seq) return;
    }
  }

  /** How messages call it. */
  get told(): string {
    return this.name === STDIN ? 'Standard input' : this.name;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.reader.close();
    this.#cleanUp();
  }

  async #survey(): Promise<Survey> {
    try {
      return { streams: await this.reader.streams(), damage: null };
    } catch (error) {
      if (!isDamage(error) || this.reader.kind !== 'jsonl') throw this.#plain(error);
      this.damage = this.#plain(error) as JournalError;
      return { streams: await summariesBeforeDamage(this.#path), damage: this.damage };
    }
  }

  /** Without the name of a copy nobody has heard of. */
  #plain(error: unknown): unknown {
    return this.name === STDIN ? withoutPath(error, this.#path) : error;
  }

  #pick(name: string, all: readonly StreamSummary[]): StreamSummary {
    const found = all.filter(({ stream }) => stream === name);
    const alike = found.length > 0 ? found : all.filter(({ stream }) => stream.includes(name));
    const [stream] = alike;
    if (stream !== undefined && alike.length === 1) return stream;
    const names = all.map((each) => each.stream);
    const near = nearest(name, names);
    const what =
      alike.length > 1
        ? `"${name}" is part of several names in ${this.told}: it holds ${listed(alike)}.`
        : `There is no stream "${name}" in ${this.told}${near === null ? '.' : `; did you mean "${near}"?`} It holds ${listed(all)}.`;
    throw new JournalError('JOURNAL_NOT_FOUND', what);
  }
}

/** What there is in a journal. */
export interface Survey {
  readonly streams: readonly StreamSummary[];
  readonly damage: JournalError | null;
}

export const isDamage = (error: unknown): error is JournalError =>
  error instanceof JournalError && (error.code === 'JOURNAL_CORRUPT' || error.code === 'JOURNAL_TRUNCATED');

async function summariesBeforeDamage(path: string): Promise<StreamSummary[]> {
  const summaries = new Map<string, StreamSummary>();
  try {
    const { records } = await readJsonl(createReadStream(path), path);
    for await (const record of records) {
      const { stream, seq, machine, wall } = record;
      const first = summaries.get(stream)?.first ?? seq;
      summaries.set(stream, { stream, first, seq, chain: hashRecord(record), machine, lastWall: wall });
    }
  } catch (error) {
    if (!isDamage(error)) throw error;
  }
  return [...summaries.values()];
}

/** Streams that a message lists by name. */
const LISTED_MAX = 20;

function listed(streams: readonly StreamSummary[]): string {
  const names = streams.slice(0, LISTED_MAX).map(({ stream }) => stream);
  const more = streams.length > names.length ? ` and ${streams.length - names.length} more` : '';
  const count = streams.length === 1 ? 'one stream' : `${streams.length} streams`;
  return `${count}: ${names.join(', ')}${more}`;
}

/** Says what journals there are where one was looked for. */
function notFound(path: string, cause: JournalError): JournalError {
  const directory = dirname(path);
  const there = journalsIn(directory);
  const near = nearest(basename(path), there);
  const here = directory === '.' ? 'this directory' : directory;
  const names = there.slice(0, LISTED_MAX).join(', ');
  const hint =
    statSync(directory, { throwIfNoEntry: false }) === undefined
      ? `there is no directory ${directory}, either`
      : there.length === 0
        ? `there is no journal in ${here}`
        : near === null
          ? `in ${here} there is ${names}`
          : `did you mean ${join(directory, near)}? In ${here} there is ${names}`;
  return new JournalError('JOURNAL_NOT_FOUND', `There is no file ${path}; ${hint}.`, { place: path, cause });
}

function journalsIn(directory: string): string[] {
  try {
    return readdirSync(directory)
      .filter((name) => /\.(db|sqlite|jsonl)$/.test(name))
      .toSorted();
  } catch {
    return [];
  }
}

function withoutPath(error: unknown, path: string): unknown {
  if (!(error instanceof ConclaveError)) return error;
  const plain = (text: string) => text.replaceAll(path, 'standard input');
  const message = plain(error.message);
  if (error instanceof SettingsError) return new SettingsError(error.code, message, { cause: error });
  const place = error instanceof JournalError && error.place !== null ? { place: plain(error.place) } : {};
  return new JournalError(error.code, message, { ...place, cause: error });
}
