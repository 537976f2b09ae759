import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { SettingsError } from '../errors.ts';
import type { JournalRecord, Json } from '../journal/journal.ts';
import { type Change, type Fork, type ForkStep, whatIf } from '../journal/what-if.ts';
import { parseDuration } from './duration.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { loadMachine, machineFor } from './journal-machine.ts';
import { heldSeqAt, parsePosition, type Position } from './journal-position.ts';
import { effectsText, eventText, stateText, transitionText } from './journal-text.ts';
import { print, printJson } from './output.ts';

interface WhatIfOptions extends JournalOptions {
  readonly machine?: string;
  readonly drop?: true;
  readonly insert?: Change;
  readonly edit?: Change;
  readonly delay?: Change;
  readonly limit: number;
}

/** Steps that are printed unless more are asked for. */
const SHOWN = 40;

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'whatif <file>',
    summary: 'what would have followed if one event had not come, or another, or later',
    description:
      "Forks the history of one member at a record, in memory. What came from outside comes again as recorded, changed at one place; timers are the chart's own. Each step is held against the record: = as recorded, ≠ otherwise, + only in the fork, - only recorded. Times are milliseconds from the fork. Nobody answers anew: the store and the other members say what they said, whether or not they are asked.",
    examples: [
      ['conclave journal whatif journal.db @12 --drop', 'had this renewal been lost'],
      ['conclave journal whatif journal.db @12 --delay 4s', 'had it come four seconds later'],
      [
        `conclave journal whatif journal.db @12 --insert '{"type":"resign","at":0}'`,
        'had somebody resigned before',
      ],
      ['conclave journal whatif journal.db @12 --edit /token=7', 'had it said something else'],
    ],
    exitCodes: {
      0: 'it would have come to the same state in the end',
      1: 'it would have come to another state',
      3: JOURNAL_EXIT.text.damaged,
      4: JOURNAL_EXIT.text.incompatible,
    },
  })
    .argument('<position>', '@N, @-N from the end, @first or @last', parsePosition)
    .option('--drop', 'the event does not come; a timer does not fire')
    .option('--insert <event>', 'this event comes just before, as JSON with a type', parseInsertion)
    .option(
      '--edit <pointer=value>',
      'its data says this instead: a JSON pointer and a JSON value',
      parseEdit,
    )
    .option('--delay <duration>', 'it comes so much later (4s, 300ms)', parseDelay)
    .option(
      '--machine <module>',
      'the chart: ./chart.ts#export (default: the shipped one of the recorded id)',
    )
    .option('--limit <steps>', 'print so many steps at most', parseLimit, SHOWN)
    .action((file: string, position: Position, options: WhatIfOptions) =>
      withJournal(file, async (journal) => {
        const change = changeOf(options);
        const summary = await journal.stream(options.stream?.[0]);
        const seq = heldSeqAt(position, summary, journal.damage);
        const given = options.machine === undefined ? null : await loadMachine(options.machine);
        const records: JournalRecord[] = [];
        for await (const record of journal.reader.read(summary.stream)) records.push(record);
        const fork = whatIf(records, machineFor(summary, given), seq, change);
        if (stateText(fork.end) !== stateText(fork.recordedEnd)) process.exitCode = JOURNAL_EXIT.diverged;
        if (options.json) printJson({ change, ...fork });
        else for (const line of textOf(fork, options.limit)) print(line);
      }),
    );
}

/** @throws SettingsError unless exactly one change is asked for */
function changeOf({ drop, insert, edit, delay }: WhatIfOptions): Change {
  const asked: readonly (Change | undefined)[] = [drop && { kind: 'drop' }, insert, edit, delay];
  const [change, ...more] = asked.filter((each) => each !== undefined);
  if (change === undefined || more.length > 0)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `Say one change: --drop, --insert '{"type":…}', --edit /pointer=value or --delay 4s.`,
    );
  return change;
}

function parseInsertion(text: string): Change {
  const value = parseJson(text);
  const { type, ...data } = (typeof value === 'object' && value !== null ? value : {}) as { type?: unknown };
  if (typeof type !== 'string' || type === '')
    throw new InvalidArgumentError('It must be a JSON object with a type, such as {"type":"stop","at":0}.');
  return { kind: 'insert', event: Object.keys(data).length === 0 ? { type } : { type, data } };
}

function parseEdit(text: string): Change {
  const at = text.indexOf('=');
  const path = text.slice(0, at);
  if (at < 1 || !path.startsWith('/'))
    throw new InvalidArgumentError(
      'It must be a JSON pointer into the event and a value, such as /token="7".',
    );
  return { kind: 'edit', path, value: parseJson(text.slice(at + 1)) };
}

function parseDelay(text: string): Change {
  return { kind: 'delay', ms: parseDuration(text) };
}

function parseLimit(text: string): number {
  const limit = Number(text);
  if (Number.isInteger(limit) && limit > 0) return limit;
  throw new InvalidArgumentError('It must be a number above 0.');
}

function parseJson(text: string): Json {
  try {
    return JSON.parse(text) as Json;
  } catch (error) {
    throw new InvalidArgumentError(
      `It is no JSON: ${(error as Error).message}. Text stands in double quotes, and all of it in single ones for the shell.`,
    );
  }
}

function textOf(
  { stream, seq, mono: start, steps, missing, end, recordedEnd, until }: Fork,
  limit: number,
): string[] {
  const first = steps.findIndex(({ differs }) => differs !== null);
  const rows: { readonly mono: number; readonly line: string }[] = [
    ...steps.map((step) => ({ mono: step.mono, line: stepLine(step, start) })),
    ...missing.map((record) => ({
      mono: record.mono,
      line: line(record.mono - start, '-', transitionText(record), record.event.type, `${record.seq}`, ''),
    })),
  ];
  const ordered = rows.toSorted((a, b) => a.mono - b.mono);
  const more = ordered.length - limit;
  const same = stateText(end) === stateText(recordedEnd);
  return [
    `${stream}, forked at @${seq}${first < 0 ? ': nothing differs' : ''}`,
    ...ordered.slice(0, limit).map((row) => row.line),
    ...(more > 0 ? [`  and ${more} more steps (--limit, or --json for all)`] : []),
    `${same ? '✓' : '✗'} ${until}: ${stateText(end)}${same ? ', as recorded' : ` instead of ${stateText(recordedEnd)}`}`,
  ];
}

function stepLine(step: ForkStep, start: number): string {
  const { mono, event, record, from, to, effects, differs } = step;
  const mark = differs === null ? '=' : differs === 'new' ? '+' : '≠';
  const states =
    stateText(from) === stateText(to) || to === null
      ? stateText(from)
      : `${stateText(from)} → ${stateText(to)}`;
  const was =
    differs === null || differs === 'new' || record === null ? '' : `  (recorded: ${transitionText(record)})`;
  const asked = effectsText(effects);
  return line(
    mono - start,
    mark,
    states,
    event.type,
    record === null ? '' : String(record.seq),
    `${asked === '' ? '' : `/ ${asked}`}${was}`,
  );
}

/** Times count from the fork: readings of a monotonic clock say nothing to people. */
const line = (
  sinceMs: number,
  ...[mark, states, type, seq, rest]: readonly [string, string, string, string, string]
) =>
  [
    `${mark} ${`+${sinceMs.toFixed(3)}`.padStart(12)}`,
    seq.padStart(6),
    states.padEnd(44),
    eventText(type).padEnd(22),
    rest,
  ]
    .join('  ')
    .trimEnd();
