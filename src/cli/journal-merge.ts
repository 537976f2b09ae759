import type { Command } from 'commander';
import { type Belief, beliefsOf, overlapsOf, type Overlap, successionsOf } from '../election/beliefs.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { SettingsError } from '../errors.ts';
import { mergeRecords, type TimedRecord, type Timeline } from '../journal/merge.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournals } from './journal-command.ts';
import type { JournalSource } from './journal-source.ts';
import { eventText, transitionText } from './journal-text.ts';
import { print, printJson, table } from './output.ts';

interface MergeOptions extends JournalOptions {
  readonly all?: true;
}

/** Every boot's beliefs on one clock. */
const COMMON = 'common';

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'merge <files...>',
    summary: 'several members on one time axis: who believed when, overlaps found',
    description:
      'Puts the records of several members into one order: by tokens (nobody saw one before it was won), by the monotonic clock within one boot of a host, else by wall clocks as far as tokens allow. Each member has a lane, lit while it believed that it led. Ends with the terms, the time without a leader between them, and every overlap.',
    examples: [
      ['conclave journal merge .conclave/journal/*.db', 'what all members of this directory saw'],
      ['conclave journal merge web-1.jsonl web-2.jsonl --all', 'records that change no state, too'],
      ['conclave journal merge *.jsonl --json', 'for programs: clocks, terms, overlaps, records'],
    ],
    exitCodes: {
      0: 'merged; no two members believed at once',
      1: 'two members believed at once, or the clocks contradict the tokens',
      3: JOURNAL_EXIT.text.damaged,
    },
  })
    .option('--all', 'list records that change no state, too')
    .action((files: string[], options: MergeOptions) =>
      withJournals(files, async (journals) => {
        report(await recordsOf(journals, options.stream), options);
      }),
    );
}

/** @throws SettingsError for a stream that is in two of the files */
async function recordsOf(
  journals: readonly JournalSource[],
  wanted: readonly string[] | undefined,
): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  const found = new Map<string, string>();
  for (const journal of journals) {
    for (const { stream } of await journal.streams(wanted)) {
      const other = found.get(stream);
      if (other !== undefined)
        throw new SettingsError(
          'SETTINGS_INVALID',
          `${stream} is in ${other} and in ${journal.name}: give each stream once.`,
        );
      found.set(stream, journal.name);
      for await (const record of journal.reader.read(stream)) records.push(record);
    }
  }
  return records;
}

function report(records: readonly JournalRecord[], { json, all }: MergeOptions): void {
  const timeline = mergeRecords(records);
  const beliefs = onCommonClock(beliefsOf(records), timeline);
  const overlaps = overlapsOf(beliefs);
  if (overlaps.length > 0 || timeline.contradictions.length > 0) process.exitCode = JOURNAL_EXIT.diverged;
  if (json) {
    const { clocks, contradictions } = timeline;
    const order = timeline.records.map(({ timeMs, record: { stream, seq } }) => ({ timeMs, stream, seq }));
    printJson({
      clocks,
      contradictions,
      beliefs,
      successions: successionsOf(beliefs),
      overlaps,
      records: order,
    });
    return;
  }
  const streams = [...new Set(records.map(({ stream }) => stream))];
  for (const [lane, stream] of streams.entries()) print(`${lane + 1}  ${stream}`);
  for (const line of clockLines(timeline)) print(line);
  print('');
  const start = timeline.records[0]?.timeMs ?? 0;
  print(`from ${new Date(start).toISOString()}`);
  for (const timed of timeline.records)
    if (all || changesState(timed.record)) print(lineOf(timed, { start, streams, beliefs }));
  print('');
  const newest = timeline.records.at(-1)?.timeMs ?? 0;
  for (const line of termLines(beliefs, { start, newest })) print(line);
  for (const line of verdict(overlaps, timeline, start)) print(line);
}

const changesState = ({ from, to, kind }: JournalRecord): boolean =>
  kind !== 'event' && kind !== 'timer' ? true : JSON.stringify(from) !== JSON.stringify(to);

function onCommonClock(beliefs: readonly Belief[], { clocks }: Timeline): Belief[] {
  const offsets = new Map(clocks.map(({ boot, offsetMs }) => [boot, offsetMs]));
  return beliefs.map((belief) => {
    const offsetMs = offsets.get(belief.boot) ?? 0;
    return { ...belief, boot: COMMON, from: belief.from + offsetMs, until: belief.until + offsetMs };
  });
}

function clockLines({ clocks }: Timeline): string[] {
  if (clocks.length < 2) return [];
  return clocks.map(({ boot, records, movedMs }) => {
    const moved = movedMs === 0 ? 'by its wall clock' : `moved by ${movedMs.toFixed(0)} ms, as tokens prove`;
    return `   clock ${boot.slice(0, 8)}: ${records} records, ${moved}`;
  });
}

interface Lanes {
  readonly start: number;
  readonly streams: readonly string[];
  readonly beliefs: readonly Belief[];
}

/** `█` believes, `▓` where another does too, `·` does not. */
function lineOf({ record, timeMs }: TimedRecord, { start, streams, beliefs }: Lanes): string {
  const believing = beliefs.filter(({ from, until }) => from <= timeMs && timeMs < until);
  const lit = believing.length > 1 ? '▓' : '█';
  const lanes = streams.map((stream) => (believing.some((each) => each.stream === stream) ? lit : '·'));
  const token = record.token === null ? '' : `  token ${record.token}`;
  const lane = streams.indexOf(record.stream) + 1;
  return [
    `+${(timeMs - start).toFixed(3)}`.padStart(14),
    lanes.join(''),
    `${lane}@${record.seq}`.padEnd(8),
    transitionText(record).padEnd(44),
    `${eventText(record.event.type)}${token}`,
  ]
    .join('  ')
    .trimEnd();
}

function termLines(
  beliefs: readonly Belief[],
  { start, newest }: { readonly start: number; readonly newest: number },
): string[] {
  if (beliefs.length === 0) return ['nobody led'];
  const gaps = new Map(successionsOf(beliefs).map(({ after, gapMs }) => [after, gapMs]));
  const rows = beliefs.map((belief) => {
    const gapMs = gaps.get(belief);
    return [
      belief.resource,
      belief.member,
      belief.term,
      belief.token,
      `+${(belief.from - start).toFixed(1)}`,
      `+${(belief.until - start).toFixed(1)}`,
      // A belief that outlives all records has not lapsed: nobody knows more yet.
      belief.end === 'lapsed' && belief.until > newest ? 'leads as far as told' : belief.end,
      gapMs === undefined ? '' : `${gapMs.toFixed(1)} ms`,
    ];
  });
  return table([
    ['resource', 'leader', 'term', 'token', 'from', 'until', 'end', 'nobody led before'],
    ...rows,
  ]);
}

function verdict(overlaps: readonly Overlap[], { contradictions }: Timeline, start: number): string[] {
  const found = overlaps.map(
    ({ first, second, forMs }) =>
      `✗ ${first.member} (token ${first.token}) and ${second.member} (token ${second.token}) both believed for ${forMs.toFixed(1)} ms from +${(second.from - start).toFixed(1)}`,
  );
  const wrong = contradictions.map((contradiction) => `✗ ${contradiction}`);
  return [...(found.length === 0 ? ['✓ never two that believed at once'] : found), ...wrong];
}
