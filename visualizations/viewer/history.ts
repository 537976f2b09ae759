import { beliefsOf, overlapsOf, type Belief } from '../../src/election/beliefs.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { mergeRecords, type BootClock } from '../../src/journal/merge.ts';
import { effectsText, eventText, stateText } from '../../src/cli/journal-text.ts';
import type { Columns, History, Member, Span } from './model.ts';

/** Makes the history that the page shows from the records of all streams. */

/** A record in the merged order, by the place it has among those that were read. */
export interface Merged {
  readonly history: History;
  /** Row → index of the record as it was given. */
  readonly order: Uint32Array<ArrayBuffer>;
}

const STREAM = /^(?:[^/]+)\/(.+)\/([^/]+)$/;

/** @param known Charts, as `id#hash`, whose code this page has. */
export function historyOf(
  records: readonly JournalRecord[],
  known: ReadonlySet<string>,
  notices: readonly string[],
): Merged {
  const indexes = new Map(records.map((record, at) => [record, at]));
  const { records: timed, clocks, contradictions } = mergeRecords(records);
  const members = membersOf(records, known);
  const places = new Map(members.map(({ stream }, at) => [stream, at]));
  const spans = spansOf(beliefsOf(records), clocks, places);
  const texts = new Texts();
  const columns = emptyColumns(timed.length);
  const order = new Uint32Array(timed.length);
  for (const [row, { record, timeMs }] of timed.entries()) {
    order[row] = indexes.get(record) ?? 0;
    columns.member[row] = places.get(record.stream) ?? 0;
    columns.seq[row] = record.seq;
    columns.time[row] = timeMs;
    columns.kind[row] = texts.add(record.kind);
    columns.event[row] = texts.add(eventText(record.event.type));
    columns.from[row] = texts.add(stateText(record.from));
    columns.to[row] = texts.add(stateText(record.to ?? record.from));
    columns.effects[row] = texts.add(effectsText(record.effects));
    columns.token[row] = texts.add(record.token ?? '');
  }
  const told = [...notices, ...contradictions, ...clocks.flatMap(clockNotice)];
  const history = {
    members,
    strings: texts.all,
    columns,
    spans,
    overlaps: overlapsOf(spans),
    notices: told,
  };
  return { history, order };
}

const clockNotice = ({ boot, movedMs }: BootClock): string[] =>
  movedMs === 0
    ? []
    : [
        `The clocks of two hosts disagree: that of boot ${boot.slice(0, 8)} was moved by ${movedMs.toFixed(0)} ms, since nobody can see a token before it is won.`,
      ];

function membersOf(records: readonly JournalRecord[], known: ReadonlySet<string>): Member[] {
  return [...Map.groupBy(records, ({ stream }) => stream)]
    .map(([stream, own]) => {
      const [, resource = '', name = stream] = STREAM.exec(stream) ?? [];
      const { id = '', hash = '' } = own[0]?.machine ?? {};
      const machine = { machine: id, known: known.has(`${id}#${hash}`) };
      return { stream, name, label: shortened(name), resource, ...machine, records: own.length };
    })
    .toSorted((a, b) => (a.resource + a.name < b.resource + b.name ? -1 : 1));
}

/** A holder id ends in sixteen random characters; four of them tell two lives of one member apart. */
const shortened = (name: string): string => name.replace(/-([a-z0-9]{4})[a-z0-9]{12}$/, '·$1');

function spansOf(
  beliefs: readonly Belief[],
  clocks: readonly BootClock[],
  places: ReadonlyMap<string, number>,
): Span[] {
  const offsets = new Map(clocks.map(({ boot, offsetMs }) => [boot, offsetMs]));
  return beliefs.map((belief) => {
    const offsetMs = offsets.get(belief.boot) ?? 0;
    return {
      ...belief,
      boot: 'common',
      from: belief.from + offsetMs,
      until: belief.until + offsetMs,
      lane: places.get(belief.stream) ?? 0,
    };
  });
}

function emptyColumns(length: number): Columns {
  return {
    member: new Uint16Array(length),
    seq: new Uint32Array(length),
    time: new Float64Array(length),
    kind: new Uint32Array(length),
    event: new Uint32Array(length),
    from: new Uint32Array(length),
    to: new Uint32Array(length),
    effects: new Uint32Array(length),
    token: new Uint32Array(length),
  };
}

/** Each text once. */
class Texts {
  readonly all: string[] = [''];
  readonly #places = new Map<string, number>([['', 0]]);

  add(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.all.length);
    return this.all.push(text) - 1;
  }
}
