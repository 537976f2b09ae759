import type { JournalRecord } from '../../src/journal/journal.ts';
import type { Lane, Member } from './model.ts';
import type { Stream } from './streams.ts';

/**
 * Which stream is whose: a member has a lane for each chart, and a life in it for each process that ran under its
 * name.
 */

/** `leadership/<resource>/<holder id>`; only the resource may contain slashes. */
const LEADERSHIP = /^leadership\/(.+)\/([^/]+)$/;
/** A holder id ends in sixteen random characters; four of them tell two lives of one member apart. */
const HOLDER = /^(.+)-([a-z0-9]{4})[a-z0-9]{12}$/;

export const CONFIGURATION = 'configuration';

interface Life {
  readonly stream: Stream;
  readonly group: string;
  /** The whole id, the name people gave it, and what tells lives apart. */
  readonly id: string;
  readonly name: string;
  readonly mark: string;
  readonly machine: JournalRecord['machine'];
  readonly from: number;
  readonly until: number;
}

/**
 * @param known Charts, as `id#hash`, whose code this page has.
 * @param timeOf On the common clock.
 */
export function lanesOf(
  streams: readonly Stream[],
  known: ReadonlySet<string>,
  timeOf: (record: JournalRecord) => number,
): { readonly lanes: readonly Lane[]; readonly members: readonly Member[] } {
  const lives = streams.flatMap((stream) => lifeOf(stream, timeOf) ?? []);
  const resources = new Set(
    lives.filter(({ machine }) => machine.id === 'leadership').map(({ group }) => group),
  );
  const key = ({ group, name, machine }: Life) =>
    [resources.size > 1 ? group : '', name, machine.id === 'leadership' ? '' : group].join('\n');
  const byLane = [...Map.groupBy(lives, key)].toSorted(([a], [b]) => (a < b ? -1 : 1));
  const lanes: Lane[] = [];
  const members: Member[] = [];
  for (const [, own] of byLane) {
    for (const [at, track] of tracksOf(own).entries()) {
      for (const life of track) members.push(memberOf(life, lanes.length, own.length > 1, known));
      const { name, group, machine } = track[0] as Life;
      const what = machine.id === 'leadership' && resources.size <= 1 ? '' : ` ${group}`;
      lanes.push({ label: `${name}${what}${at === 0 ? '' : ` (${at + 1})`}`, group, machine: machine.id });
    }
  }
  return { lanes, members };
}

function lifeOf(stream: Stream, timeOf: (record: JournalRecord) => number): Life | null {
  const [first] = stream.records;
  const last = stream.records.at(-1);
  if (first === undefined || last === undefined) return null;
  const { name: path } = stream;
  const [, resource, holder] = LEADERSHIP.exec(path) ?? [];
  const slash = path.indexOf('/');
  const kind = slash < 0 ? path : path.slice(0, slash);
  const group = resource ?? (kind === 'config' ? CONFIGURATION : kind);
  const id = holder ?? path.slice(slash + 1);
  const [, name = id, mark = ''] = HOLDER.exec(id) ?? [];
  return { stream, group, id, name, mark, machine: first.machine, from: timeOf(first), until: timeOf(last) };
}

/** Lives one after the other share a lane; those at the same time, of two processes with one name, do not. */
function tracksOf(lives: readonly Life[]): Life[][] {
  const tracks: Life[][] = [];
  for (const life of lives.toSorted((a, b) => a.from - b.from)) {
    const free = tracks.find((track) => (track.at(-1)?.until ?? 0) <= life.from);
    if (free === undefined) tracks.push([life]);
    else free.push(life);
  }
  return tracks;
}

function memberOf(life: Life, lane: number, hasOthers: boolean, known: ReadonlySet<string>): Member {
  const { stream, group, id, name, mark, machine } = life;
  return {
    stream: stream.name,
    name: id,
    label: hasOthers && mark !== '' ? `${name}·${mark}` : name,
    group,
    lane,
    machine: machine.id,
    known: known.has(`${machine.id}#${machine.hash}`),
    records: stream.records.length,
  };
}
