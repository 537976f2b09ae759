import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { SettingsError } from '../errors.ts';
import { type JsonDifference, jsonDifferences, sameJson } from '../journal/comparison.ts';
import type { JournalRecord, Json, StreamSummary } from '../journal/journal.ts';
import { replay } from '../journal/replay.ts';
import { encodeValue } from '../journal/values.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournals } from './journal-command.ts';
import { loadMachine, machineFor } from './journal-machine.ts';
import { heldSeqAt, parsePosition, type Position } from './journal-position.ts';
import type { JournalSource } from './journal-source.ts';
import { logLine, stateText } from './journal-text.ts';
import { print, printJson } from './output.ts';

interface DiffOptions extends JournalOptions {
  readonly machine?: string;
}

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'diff <file> <other> [to]',
    summary: 'what differs between two places of a stream, or between two recordings',
    description:
      'With two positions: the states and contexts after these two records, and where they differ. With two files: the two recordings side by side, record by record (events, states, effects; not clocks, names or chains), up to the first that differs.',
    examples: [
      ['conclave journal diff journal.db @12 @40 --stream web-1', 'what 28 records changed'],
      ['conclave journal diff before.jsonl after.jsonl --stream web-1', 'where two runs part'],
    ],
    exitCodes: { 0: 'nothing differs', 1: 'something does; it is shown', 3: JOURNAL_EXIT.text.damaged },
  })
    .option(
      '--machine <module>',
      'the chart: ./chart.ts#export (default: the shipped one of the recorded id)',
    )
    .action((file: string, other: string, to: string | undefined, options: DiffOptions) => {
      const from = asPosition(other);
      return from === null
        ? withJournals([file, other], (journals) => compareRecordings(journals, to, options))
        : withJournals([file], ([journal]) => comparePlaces(journal as JournalSource, from, to, options));
    });
}

/** A position where one is written; else it is a file. */
function asPosition(text: string): Position | null {
  if (!text.startsWith('@')) return null;
  try {
    return parsePosition(text);
  } catch (error) {
    if (error instanceof InvalidArgumentError) throw new SettingsError('SETTINGS_INVALID', error.message);
    throw error;
  }
}

interface Place {
  readonly seq: number;
  readonly state: string;
  readonly context: Json;
}

async function comparePlaces(
  journal: JournalSource,
  from: Position,
  end: string | undefined,
  { stream, machine, json }: DiffOptions,
): Promise<void> {
  const summary = await journal.stream(stream?.[0]);
  const to = asPosition(end ?? '@last');
  if (to === null) throw new SettingsError('SETTINGS_INVALID', `${String(end)} is no position; write @N.`);
  const chart = machineFor(summary, machine === undefined ? null : await loadMachine(machine));
  const [one, other] = await placesAt(journal, summary, [from, to], chart);
  const differences = jsonDifferences(one.context, other.context);
  if (one.state !== other.state || differences.length > 0) process.exitCode = JOURNAL_EXIT.diverged;
  if (json) return printJson({ stream: summary.stream, from: one, to: other, differences });
  print(summary.stream);
  print(
    `  state    @${one.seq} ${one.state}${one.state === other.state ? ', and so' : ` → ${other.state}`} @${other.seq}`,
  );
  print(differences.length === 0 ? '  context  as it was' : '  context  changed');
  for (const line of differences.map(differenceText)) print(`    ${line}`);
}

const differenceText = ({ path, recorded, replayed }: JsonDifference): string =>
  `${path}  ${valueText(recorded)} → ${valueText(replayed)}`;

const valueText = (value: Json | undefined): string =>
  value === undefined ? '(absent)' : JSON.stringify(value);

async function placesAt(
  journal: JournalSource,
  summary: StreamSummary,
  positions: readonly [Position, Position],
  machine: AnyStateMachine,
): Promise<[Place, Place]> {
  const wanted = positions.map((position) => heldSeqAt(position, summary, journal.damage));
  const found = new Map<number, Place>();
  let last: AnyMachineSnapshot | null = null;
  const result = await replay(journal.recordsTo(summary.stream, Math.max(...wanted)), machine, {
    onRecord: ({ seq }, { after }) => {
      last = after ?? last;
      if (last !== null && wanted.includes(seq)) found.set(seq, placeOf(seq, last));
    },
  });
  const places = wanted.map((seq) => found.get(seq));
  if (places.every((place) => place !== undefined)) return places as [Place, Place];
  const { divergence, lastSeq } = result;
  const why =
    divergence === null
      ? 'its writer gave up the stretch of records it was in'
      : `the chart "${machine.id}" comes to another state at @${divergence.seq}; \`conclave journal replay\` shows both`;
  throw new SettingsError('SETTINGS_INVALID', `${summary.stream}@${lastSeq + 1} is not to be had: ${why}.`);
}

function placeOf(seq: number, { value, context }: AnyMachineSnapshot): Place {
  const state = stateText(value as JournalRecord['to']);
  return { seq, state, context: encodeValue(context as unknown, { onRefused: 'mark' }) };
}

async function compareRecordings(
  journals: readonly JournalSource[],
  to: string | undefined,
  { stream, json }: DiffOptions,
): Promise<void> {
  if (to !== undefined)
    throw new SettingsError('SETTINGS_INVALID', `Two recordings are compared whole; ${to} is one too many.`);
  const [one, other] = (await Promise.all(
    journals.map(async (journal) => recordsOf(journal, stream?.[0])),
  )) as [JournalRecord[], JournalRecord[]];
  const at = one.findIndex((record, index) => !alike(record, other[index]));
  const agreed = at < 0 ? one.length : at;
  const differs = at >= 0 || other.length !== one.length;
  if (differs) process.exitCode = JOURNAL_EXIT.diverged;
  const sides = [one[agreed] ?? null, other[agreed] ?? null];
  if (json) return printJson({ agreed, records: sides });
  print(agreed === 1 ? '1 record agrees' : `${agreed} records agree`);
  if (!differs) return;
  for (const [index, record] of sides.entries()) {
    const name = journals[index]?.name ?? '';
    print(record === null ? `${name}: ends here` : `${name}: ${record.stream}`);
    if (record !== null) print(logLine(record, null));
  }
  const [left, right] = sides;
  if (left && right)
    for (const difference of jsonDifferences(toCompare(left), toCompare(right)))
      print(`  ${differenceText(difference)}`);
}

async function recordsOf(journal: JournalSource, wanted: string | undefined): Promise<JournalRecord[]> {
  const { stream } = await journal.stream(wanted);
  const records: JournalRecord[] = [];
  for await (const record of journal.reader.read(stream)) records.push(record);
  return records;
}

const alike = (one: JournalRecord, other: JournalRecord | undefined): boolean =>
  other !== undefined && sameJson(toCompare(one), toCompare(other));

/** What makes two steps the same: times, names and chains always differ between two runs. */
function toCompare({ kind, event, from, to, effects }: JournalRecord): Json {
  const steps = effects.map(({ type }) => type);
  return { kind, event: event.type, from: from as Json, to: to as Json, effects: steps };
}
