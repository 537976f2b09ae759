import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { JournalRecord, StreamSummary } from '../journal/journal.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { parsePosition, type Position, seqAt } from './journal-position.ts';
import { type JournalSource, STDIN } from './journal-source.ts';
import { logLine, stateText } from './journal-text.ts';
import { print, printJson } from './output.ts';
import { SettingsError } from '../errors.ts';

interface LogOptions extends JournalOptions {
  readonly type?: readonly string[];
  readonly state?: readonly string[];
  readonly from?: Position;
  readonly to?: Position;
  readonly follow?: true;
}

/** How often a journal that is being written is looked at. */
const FOLLOW_POLL_MS = 200;

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'log <file>',
    summary: 'list the records, one a line',
    description:
      'Lists records: number, milliseconds since the one before, kind, states before and after, event, effects asked for, and the fencing token where it changes. FILE is a journal.db (also while it is being written), a JSONL journal, or - for standard input.',
    examples: [
      ['conclave journal log .conclave/journal/web-1-4711.db', 'everything'],
      ['conclave journal log run.jsonl --state leader --from @-50', 'the last fifty, where it led'],
      ['conclave journal log journal.db --type "lease.*" --follow', 'as they come'],
    ],
    exitCodes: { 0: 'listed', 3: JOURNAL_EXIT.text.damaged },
  })
    .option('--type <event>', 'only this event; * stands for anything (repeatable)', collect)
    .option('--state <state>', 'only records that enter, leave or stay in this state (repeatable)', collect)
    .option('--from <position>', 'first record: @N, @-N from the end', parsePosition)
    .option('--to <position>', 'last record', parsePosition)
    .option('-f, --follow', 'go on as records are written')
    .action((file: string, options: LogOptions) =>
      withJournal(file, async (journal) => {
        if (options.follow) return follow(journal, options);
        const { streams, damage } = await journal.survey(options.stream);
        for (const stream of streams) await list(journal, stream, options, streams.length > 1);
        if (damage !== null) throw damage;
      }),
    );
}

const collect = (value: string, before: readonly string[] = []): readonly string[] => {
  if (value.trim() === '') throw new InvalidArgumentError('It must name something.');
  return [...before, value];
};

async function list(
  journal: JournalSource,
  summary: StreamSummary,
  options: LogOptions,
  heading: boolean,
): Promise<void> {
  const { json } = options;
  const wanted = filterOf(options);
  if (heading && !json) print('');
  const from = options.from === undefined ? summary.first : seqAt(options.from, summary);
  const last = options.to === undefined ? summary.seq : seqAt(options.to, summary);
  let before: JournalRecord | null = null;
  for await (const record of journal.recordsTo(summary.stream, last, from)) {
    if (before === null && !json) printHeading(summary, record);
    if (wanted(record)) show(record, before, json === true);
    before = record;
  }
}

/** Says whose records follow, and when the first of them was made; the lines only say what passed since. */
function printHeading({ stream, machine, first, seq }: StreamSummary, { wall }: JournalRecord): void {
  const trimmed = first > 1 ? ', trimmed before that' : '';
  const holds = `${machine.id}#${machine.hash.slice(0, 8)}, @${first} to @${seq}${trimmed}`;
  print(`${stream}  (${holds})  from ${new Date(wall).toISOString()}`);
}

function show(record: JournalRecord, before: JournalRecord | null, json: boolean): void {
  if (json) printJson(record);
  else print(logLine(record, before));
}

/** Ends when it is interrupted, or when nobody reads any more. */
async function follow(journal: JournalSource, options: LogOptions): Promise<void> {
  if (journal.name === STDIN)
    throw new SettingsError('SETTINGS_INVALID', '--follow needs a file: standard input has an end.');
  if (options.to !== undefined)
    throw new SettingsError('SETTINGS_INVALID', '--follow and --to exclude each other.');
  const summary = await journal.stream(options.stream?.[0]);
  const wanted = filterOf(options);
  const json = options.json === true;
  let before: JournalRecord | null = null;
  for (let from = options.from === undefined ? summary.first : seqAt(options.from, summary); ;) {
    for await (const record of journal.reader.read(summary.stream, { from })) {
      if (before === null && !json) printHeading(summary, record);
      if (wanted(record)) show(record, before, json);
      before = record;
      from = record.seq + 1;
    }
    await new Promise<void>((resolve) => systemClock.setTimeout(resolve, FOLLOW_POLL_MS));
  }
}

/** Whether a record is among those asked for. */
function filterOf({ type = [], state = [] }: LogOptions): (record: JournalRecord) => boolean {
  const types = type.map((each) => new RegExp(`^${each.split('*').map(literally).join('.*')}$`));
  return ({ event, from, to }) => {
    const paths = [from, to].map((value) => stateText(value));
    const rightType = types.length === 0 || types.some((pattern) => pattern.test(event.type));
    const rightState =
      state.length === 0 ||
      state.some((each) => paths.some((path) => path.split('+').some((at) => isIn(at, each))));
    return rightType && rightState;
  };
}

const literally = (text: string): string => text.replaceAll(/[\\^$.*+?()[\]{}|/-]/g, String.raw`\$&`);

const isIn = (path: string, state: string): boolean => path === state || path.startsWith(`${state}.`);
