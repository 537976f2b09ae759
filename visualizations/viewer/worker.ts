import type { JournalRecord } from '../../src/journal/journal.ts';
import { contextChange } from './contexts.ts';
import { historyOf } from './history.ts';
import { FileRefused, jsonAt, type Line, readJournalFile } from './journal-file.ts';
import type { Detail, NamedFile, Reply, Request } from './model.ts';

/** The part of the viewer that reads: off the page's thread, so that a large journal holds up nobody. */

/** `id#hash` of the charts whose code is in this page; put there when it is made. */
declare const SHIPPED_CHARTS: readonly string[];

/** Live records that are kept; older ones are let go, and the page says so. */
const LIVE_RECORDS_MAX = 50_000;

/** Where the whole of a record is: in a file's bytes, or at hand. */
interface Source {
  readonly bytes: Uint8Array | null;
  readonly line: Pick<Line, 'start' | 'end'> | null;
}

class Reader {
  #records: JournalRecord[] = [];
  #sources: Source[] = [];
  #order = new Uint32Array();
  #notices: string[] = [];
  #letGo = 0;

  load(files: readonly NamedFile[]): void {
    const streams = new Map<string, string>();
    const records: JournalRecord[] = [];
    const sources: Source[] = [];
    const notices: string[] = [];
    for (const { name, bytes: buffer } of files) {
      const bytes = new Uint8Array(buffer);
      const { lines, notice } = readJournalFile(name, bytes);
      if (notice !== null) notices.push(notice);
      const own = new Set<string>();
      for (const { record, start, end } of lines) {
        own.add(record.stream);
        records.push(slim(record));
        sources.push({ bytes, line: { start, end } });
      }
      for (const stream of own) {
        const other = streams.get(stream);
        if (other !== undefined)
          throw new FileRefused(`${stream} is in ${other} and in ${name}: drop each once.`);
        streams.set(stream, name);
      }
    }
    if (records.length === 0) throw new FileRefused('There is no record in what was opened.');
    const resources = new Set(records.map(({ stream }) => stream.slice(0, stream.lastIndexOf('/'))));
    if (resources.size > 1)
      notices.push(
        `These are journals of ${resources.size} resources; choose one above, each has leaders of its own.`,
      );
    [this.#records, this.#sources, this.#notices, this.#letGo] = [records, sources, notices, 0];
  }

  append(records: readonly JournalRecord[]): void {
    const last = new Map<string, number>();
    for (const { stream, seq } of this.#records) last.set(stream, seq);
    for (const record of records) {
      // A stream that is sent again from its beginning, after a break, brings nothing new.
      if (record.seq <= (last.get(record.stream) ?? 0)) continue;
      this.#records.push(record);
      this.#sources.push({ bytes: null, line: null });
    }
    const over = this.#records.length - LIVE_RECORDS_MAX;
    if (over <= 0) return;
    this.#letGo += over;
    this.#records.splice(0, over);
    this.#sources.splice(0, over);
    this.#notices = [`The oldest ${this.#letGo} records were let go; the journal has them.`];
  }

  clear(): void {
    [this.#records, this.#sources, this.#notices, this.#letGo] = [[], [], [], 0];
  }

  history(): Extract<Reply, { type: 'history' }>['history'] {
    const { history, order } = historyOf(this.#records, new Set(SHIPPED_CHARTS), this.#notices);
    this.#order = order;
    return history;
  }

  detail(row: number): Detail {
    const at = this.#order[row] ?? 0;
    const record = this.#whole(at);
    const { stream, seq, machine } = record;
    if (!SHIPPED_CHARTS.includes(`${machine.id}#${machine.hash}`)) {
      const why = `Another version of the chart "${machine.id}" wrote this: only the digest of its context is known here.`;
      return { record, context: null, why };
    }
    const context = contextChange(this.#stream(stream), machine.id, seq);
    return { record, context, why: context === null ? 'The beginning of this stream is not here.' : null };
  }

  *#stream(stream: string): Generator<JournalRecord> {
    for (const [at, record] of this.#records.entries()) if (record.stream === stream) yield this.#whole(at);
  }

  #whole(at: number): JournalRecord {
    const { bytes, line } = this.#sources[at] ?? { bytes: null, line: null };
    if (bytes === null || line === null) return this.#records[at] as JournalRecord;
    return jsonAt(bytes, line) as JournalRecord;
  }
}

/** Effects by which a term is followed, and those that are named in lists. */
const KEPT_PARAMS: ReadonlySet<string> = new Set(['openTerm', 'extendTerm', 'closeTerm', 'awaitJournal']);

/** What the timeline needs of a record; the rest is read again when it is looked at. */
function slim(record: JournalRecord): JournalRecord {
  const { token, snapshot } = (record.event.data ?? {}) as {
    readonly token?: string;
    readonly snapshot?: unknown;
  };
  const data = record.kind === 'trimmed' ? { snapshot } : token === undefined ? undefined : { token };
  return {
    ...record,
    event: { type: record.event.type, ...(data !== undefined && { data }) } as JournalRecord['event'],
    effects: record.effects.map((effect) =>
      KEPT_PARAMS.has(effect.type) || effect.type.startsWith('xstate.')
        ? effect
        : { id: effect.id, type: effect.type },
    ),
  };
}

const reader = new Reader();

function answer(request: Request): Reply {
  const { id } = request;
  try {
    switch (request.type) {
      case 'detail':
        return { id, type: 'detail', detail: reader.detail(request.row) };
      case 'load':
        reader.load(request.files);
        break;
      case 'append':
        reader.append(request.records);
        break;
      case 'clear':
        reader.clear();
    }
    return { id, type: 'history', history: reader.history() };
  } catch (error) {
    const message = error instanceof FileRefused ? error.message : `This cannot be shown: ${String(error)}`;
    return { id, type: 'refused', message };
  }
}

onmessage = ({ data }: MessageEvent<Request>) => {
  const reply = answer(data);
  const buffers =
    reply.type === 'history'
      ? Object.values(reply.history.columns).map(({ buffer }) => buffer as ArrayBuffer)
      : [];
  (postMessage as (message: Reply, transfer: Transferable[]) => void)(reply, buffers);
};
