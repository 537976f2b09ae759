import type { Command } from 'commander';
import type { AnyMachineSnapshot, AnyStateMachine } from 'xstate';
import { SettingsError } from '../errors.ts';
import { type JsonDifference, jsonDifferences } from '../journal/comparison.ts';
import type { EffectRecord, JournalRecord, Json, StreamSummary } from '../journal/journal.ts';
import { replay } from '../journal/replay.ts';
import { encodeValue } from '../journal/values.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { loadMachine, machineFor, writerOf } from './journal-machine.ts';
import { heldSeqAt, parsePosition, type Position } from './journal-position.ts';
import type { JournalSource } from './journal-source.ts';
import { eventText, pretty, sinceMs, stateText } from './journal-text.ts';
import { print, printJson } from './output.ts';

interface ShowOptions extends JournalOptions {
  readonly machine?: string;
}

/** Contexts are in no record, only their digest is; folding the stream brings them back. */
interface Contexts {
  readonly before: Json | null;
  readonly after: Json | null;
  readonly changes: readonly JsonDifference[];
}

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'show <file>',
    summary: 'show one record whole: event, states, effects, what it changed',
    description:
      'Shows one record (by default the last): its event, the states before and after, the effects with their parameters, and, where the chart is at hand, what the context was and how it changed.',
    examples: [
      ['conclave journal show journal.db @12', 'record 12'],
      ['conclave journal show run.jsonl @-3 --stream web-1', 'the third from the end of one stream'],
    ],
    exitCodes: { 0: 'shown', 3: JOURNAL_EXIT.text.damaged },
  })
    .argument('[position]', '@N, @-N from the end, @first or @last (the default)', parsePosition)
    .option(
      '--machine <module>',
      'the chart that wrote it: ./chart.ts#export (default: the shipped one of its id)',
    )
    .action((file: string, position: Position | undefined, options: ShowOptions) =>
      withJournal(file, async (journal) => {
        const summary = await journal.stream(options.stream?.[0]);
        const seq = heldSeqAt(position ?? { kind: 'from-end', back: 1 }, summary, journal.damage);
        const machine = options.machine === undefined ? null : await loadMachine(options.machine);
        await show(journal, summary, seq, machine, options.json === true);
      }),
    );
}

async function show(
  journal: JournalSource,
  summary: StreamSummary,
  seq: number,
  given: AnyStateMachine | null,
  json: boolean,
): Promise<void> {
  const records: JournalRecord[] = [];
  const from = Math.max(summary.first, seq - 1);
  for await (const record of journal.recordsTo(summary.stream, seq, from)) records.push(record);
  const record = records.at(-1);
  if (record?.seq !== seq)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `${summary.stream}@${seq} is not there: its writer gave up a stretch of records since the disk did not keep up. \`conclave journal verify\` lists such stretches.`,
    );
  const machine = given ?? (writerOf(summary) === null ? null : machineFor(summary, null));
  const contexts = machine === null ? null : await contextsAt(journal, summary, seq, machine);
  if (json) printJson({ record, contexts });
  else
    for (const line of textOf(record, records.length > 1 ? (records[0] ?? null) : null, contexts))
      print(line);
}

/** Null where the chart does not come to the recorded states. */
async function contextsAt(
  journal: JournalSource,
  { stream }: StreamSummary,
  seq: number,
  machine: AnyStateMachine,
): Promise<Contexts | null> {
  let found: Contexts | null = null;
  const { divergence } = await replay(journal.recordsTo(stream, seq), machine, {
    onRecord: (record, step) => {
      if (record.seq !== seq) return;
      const [before, after] = [contextOf(step.before), contextOf(step.after)];
      found = { before, after, changes: jsonDifferences(before ?? undefined, after ?? undefined) };
    },
  });
  return divergence === null ? found : null;
}

function contextOf(snapshot: AnyMachineSnapshot | null): Json | null {
  return snapshot === null ? null : encodeValue(snapshot.context as unknown, { onRefused: 'mark' });
}

function textOf(record: JournalRecord, before: JournalRecord | null, contexts: Contexts | null): string[] {
  const { stream, seq, kind, event, source, machine, runtime, wall, mono, token, writer, effects } = record;
  const since = sinceMs(record, before);
  const version = machine.version === null ? '' : `@${machine.version}`;
  // The structure is there for replay, and longer than anything else.
  const { structure, ...data } = (event.data ?? {}) as { readonly [key: string]: Json };
  const shown = structure === undefined ? data : { ...data, structure: '(of the chart, for replay)' };
  return [
    `${stream}@${seq}`,
    field('kind', `${kind}, from ${source}`),
    field(
      'when',
      `${new Date(wall).toISOString()}${since === null ? '' : `, ${since.toFixed(3)} ms after the one before`}`,
    ),
    field('clock', `${mono} ms, boot ${record.boot}`),
    field('writer', `${writer}, ${runtime}`),
    field('chart', `${machine.id}${version}#${machine.hash}`),
    field('token', token ?? '(none)'),
    field(
      'event',
      eventText(event.type) === event.type ? event.type : `${eventText(event.type)}  (${event.type})`,
    ),
    ...(Object.keys(shown).length === 0 ? [] : [pretty(shown, '    ')]),
    field('before', stateText(record.from)),
    field('after', stateText(record.to)),
    field('effects', effects.length === 0 ? '(none)' : ''),
    ...effects.map(effectText),
    ...contextLines(contexts),
    field('digest', `${record.digest || '(changes no state)'}, chained to ${record.prev}`),
    ...(record.cause === undefined ? [] : [field('cause', record.cause)]),
    ...(record.correlation === undefined ? [] : [field('of', record.correlation)]),
    ...(record.redacted === undefined ? [] : [field('redacted', record.redacted.join(', '))]),
  ];
}

function effectText({ id, type, params }: EffectRecord): string {
  const name = `    ${id}  ${type}`;
  return params === undefined ? name : `${name}\n${pretty(params, '        ')}`;
}

function contextLines(contexts: Contexts | null): string[] {
  if (contexts === null)
    return [field('context', 'only its digest is known here: give the chart by --machine')];
  const { before, after, changes } = contexts;
  if (after === null) return [field('context', 'as before')];
  if (before === null) return [field('context', ''), pretty(after, '    ')];
  if (changes.length === 0) return [field('context', 'as before')];
  const value = (json: Json | undefined) => (json === undefined ? '(absent)' : JSON.stringify(json));
  return [
    field('context', 'changed'),
    ...changes.map(({ path, recorded, replayed }) => `    ${path}  ${value(recorded)} → ${value(replayed)}`),
  ];
}

const field = (name: string, value: string): string => `  ${name.padEnd(9)} ${value}`.trimEnd();
