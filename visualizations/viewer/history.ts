import { eventText, stateText } from '../../src/cli/journal-text.ts';
import { type Belief, beliefsOf, overlapsOf } from '../../src/election/beliefs.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { type BootClock, mergeRecords } from '../../src/journal/merge.ts';
import { clockNotices } from './clocks.ts';
import { lanesOf } from './lanes.ts';
import type { Columns, History, Member, Span } from './model.ts';
import { flagsOf, PhaseTracker } from './phases.ts';
import type { SlimRecord } from './slim.ts';
import type { Stream } from './streams.ts';

/** Makes the history that the page shows from the records of all streams. */

/** A record in the merged order, by where it is among those that were read. */
export interface Merged {
  readonly history: History;
  /** Row → index of its stream, and of the record in it. */
  readonly streams: Uint16Array;
  readonly places: Uint32Array;
}

/** @param known Charts, as `id#hash`, whose code this page has. */
export function historyOf(
  streams: readonly Stream[],
  known: ReadonlySet<string>,
  told: Pick<History, 'notices' | 'problems'>,
): Merged {
  const records = streams.flatMap((stream) => stream.records);
  const { records: timed, clocks, contradictions } = mergeRecords(records);
  const offsets = new Map(clocks.map(({ boot, offsetMs }) => [boot, offsetMs]));
  const { lanes, members } = lanesOf(streams, known, ({ boot, mono }) => mono + (offsets.get(boot) ?? 0));
  const numbers = new Map(members.map(({ stream }, at) => [stream, at]));
  const streamAt = new Map(streams.map(({ name }, at) => [name, at]));
  const texts = new Texts();
  const columns = emptyColumns(timed.length);
  const phases = new PhaseTracker(members);
  const rows = { streams: new Uint16Array(timed.length), places: new Uint32Array(timed.length) };
  const next = new Uint32Array(streams.length);
  for (const [row, { record, timeMs }] of timed.entries()) {
    const member = numbers.get(record.stream) ?? 0;
    const stream = streamAt.get(record.stream) ?? 0;
    rows.streams[row] = stream;
    // The merge keeps the order of each stream.
    rows.places[row] = next[stream] ?? 0;
    next[stream] = (next[stream] ?? 0) + 1;
    const to = fill(columns, row, record, texts);
    columns.member[row] = member;
    columns.time[row] = timeMs;
    phases.take(record, to, member, timeMs);
  }
  const spans = spansOf(beliefsOf(records), offsets, { numbers, members, streams });
  const nameOf = (stream: string) => members[numbers.get(stream) ?? 0]?.label ?? stream;
  const end = timed.at(-1)?.timeMs ?? 0;
  const history: History = {
    members,
    lanes,
    columns,
    phases: phases.finish(end, (text) => texts.add(text)),
    strings: texts.all,
    spans,
    overlaps: overlapsOf(spans),
    notices: [
      ...told.notices,
      ...groupNotice(lanes),
      ...clockNotices(records, clocks, nameOf),
      ...contradictions,
    ],
    problems: told.problems,
  };
  return { history, ...rows };
}

function groupNotice(lanes: History['lanes']): string[] {
  const resources = new Set(
    lanes.filter(({ machine }) => machine === 'leadership').map(({ group }) => group),
  );
  if (resources.size < 2) return [];
  return [
    `These are journals of ${resources.size} resources (${[...resources].join(', ')}): each has leaders of its own. Choose one above.`,
  ];
}

/** Tells the state after it. */
function fill(columns: Columns, row: number, record: SlimRecord, texts: Texts): string {
  const from = texts.ofState(record.from);
  const to = texts.ofState(record.to ?? record.from);
  columns.seq[row] = record.seq;
  columns.kind[row] = texts.add(record.kind);
  columns.event[row] = texts.add(eventText(record.event.type));
  columns.from[row] = texts.add(from);
  columns.to[row] = texts.add(to);
  columns.effects[row] = texts.add(record.effectsText);
  columns.token[row] = texts.add(record.token ?? '');
  columns.flags[row] = flagsOf(record, from, to);
  return to;
}

interface Owners {
  readonly numbers: ReadonlyMap<string, number>;
  readonly members: readonly Member[];
  readonly streams: readonly Stream[];
}

function spansOf(
  beliefs: readonly Belief[],
  offsets: ReadonlyMap<BootClock['boot'], number>,
  { numbers, members, streams }: Owners,
): Span[] {
  const lasts = new Map(streams.map(({ name, records }) => [name, records.at(-1)]));
  return beliefs.map((belief) => {
    const offsetMs = offsets.get(belief.boot) ?? 0;
    const life = numbers.get(belief.stream) ?? 0;
    const last = lasts.get(belief.stream);
    const heard = last?.boot === belief.boot ? Math.max(last.mono, belief.from) : belief.until;
    return {
      ...belief,
      boot: 'common',
      host: belief.boot,
      from: belief.from + offsetMs,
      until: belief.until + offsetMs,
      heardUntil: Math.min(heard, belief.until) + offsetMs,
      life,
      lane: members[life]?.lane ?? 0,
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
    flags: new Uint8Array(length),
  };
}

/** Each text once. */
class Texts {
  readonly all: string[] = [''];
  readonly #places = new Map<string, number>([['', 0]]);
  /** By the value itself: records of a file share the few that there are. */
  readonly #states = new Map<JournalRecord['from'], string>();

  ofState(state: JournalRecord['from']): string {
    const known = this.#states.get(state);
    if (known !== undefined) return known;
    const text = stateText(state);
    this.#states.set(state, text);
    return text;
  }

  add(text: string): number {
    const known = this.#places.get(text);
    if (known !== undefined) return known;
    this.#places.set(text, this.all.length);
    return this.all.push(text) - 1;
  }
}
