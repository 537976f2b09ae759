import type { JournalRecord } from '../../src/journal/journal.ts';
import type { BootClock } from '../../src/journal/merge.ts';

/** What a reader has to know of the clocks behind the one time axis. */

/** A wall clock that moved by less against the monotonic one was only slewed, or read late. */
const STEP_MS = 100;

/** What the records of one boot tell of its clocks. */
interface Boot {
  readonly boot: string;
  readonly streams: Set<string>;
  /** The wall clock less the monotonic one. */
  least: number;
  most: number;
}

interface Host {
  readonly names: string;
  readonly clock: BootClock;
}

/** @param nameOf What people call the member of a stream. */
export function clockNotices(
  records: readonly JournalRecord[],
  clocks: readonly BootClock[],
  nameOf: (stream: string) => string,
): string[] {
  const boots = new Map<string, Boot>();
  // Mostly that of the record before.
  let own: Boot | undefined;
  let named = '';
  for (const { boot, stream, wall, mono } of records) {
    if (own?.boot !== boot) {
      own = boots.get(boot) ?? { boot, streams: new Set(), least: Infinity, most: -Infinity };
      boots.set(boot, own);
      named = '';
    }
    if (named !== stream) own.streams.add(stream);
    named = stream;
    const offset = wall - mono;
    if (offset < own.least) own.least = offset;
    if (offset > own.most) own.most = offset;
  }
  const hosts = clocks.map((clock) => ({
    clock,
    names: [...new Set([...(boots.get(clock.boot)?.streams ?? [])].map(nameOf))].join(', '),
  }));
  const steps = hosts.flatMap(({ clock: { boot }, names: who }) => {
    const { least, most } = boots.get(boot) ?? { least: 0, most: 0 };
    return most - least < STEP_MS
      ? []
      : [
          `The wall clock of ${who} moved by ${told(most - least)} against its monotonic clock meanwhile; times here go by the monotonic one.`,
        ];
  });
  return [...betweenHosts(hosts), ...steps];
}

function betweenHosts(hosts: readonly Host[]): string[] {
  if (hosts.length < 2) return [];
  const common = hosts.find(({ clock }) => clock.movedMs === 0 && clock.records === most(hosts)) ?? hosts[0];
  const moved = hosts.flatMap(({ clock: { movedMs }, names }) =>
    movedMs === 0
      ? []
      : [
          `The clocks disagree: that of ${names} was ${told(Math.abs(movedMs))} ${movedMs > 0 ? 'behind' : 'ahead'}, and its records were moved by as much, since nobody can see a token before it is won.`,
        ],
  );
  return [
    `These members ran on ${hosts.length} hosts, or boots of one. Within each, times compare exactly; between them they were aligned by wall clocks, to that of ${common?.names ?? ''}, and by tokens: an overlap or a gap between hosts is only as certain as that.`,
    ...moved,
  ];
}

const most = (hosts: readonly Host[]): number =>
  hosts.reduce((largest, { clock }) => Math.max(largest, clock.records), 0);

const told = (ms: number): string => (ms < 10_000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`);
