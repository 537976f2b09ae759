import type { Command } from 'commander';
import type { AnyStateMachine, StateValue } from 'xstate';
import { formatDivergence } from '../journal/divergence.ts';
import type { JournalRecord, StreamSummary } from '../journal/journal.ts';
import { judge, replay, type ReplayResult } from '../journal/replay.ts';
import { type Judgement, structureHash } from '../runtime/structure.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { loadMachine, machineFor, writerOf } from './journal-machine.ts';
import { parsePosition, type Position, seqAt } from './journal-position.ts';
import type { JournalSource } from './journal-source.ts';
import { stateText } from './journal-text.ts';
import { print, printError, printJson } from './output.ts';

interface ReplayCommandOptions extends JournalOptions {
  readonly machine?: string;
  readonly to?: Position;
}

/** Differences of structure printed one by one. */
const DIFFERENCES_SHOWN = 12;

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'replay <file>',
    summary: 'fold the recorded events through a chart and compare',
    description:
      'Processes the recorded events again, without timers, effects, stores or clocks, and compares states, effects and digests at each record. First it judges from the structure of the two charts whether this one can have written the journal: fine, risky or impossible. At the first difference it stops and shows both sides.',
    examples: [
      ['conclave journal replay journal.db', 'with the charts that come with conclave'],
      ['conclave journal replay run.jsonl --machine ./leader.ts#leader', 'with a chart of yours'],
    ],
    exitCodes: {
      0: 'every record came out as it was recorded',
      1: 'one came out differently; it is shown',
      3: JOURNAL_EXIT.text.damaged,
      4: JOURNAL_EXIT.text.incompatible,
    },
  })
    .option('--machine <module>', 'a chart: ./chart.ts#export (default: the shipped one of the recorded id)')
    .option('--to <position>', 'stop after this record', parsePosition)
    .action((file: string, options: ReplayCommandOptions) =>
      withJournal(file, async (journal) => {
        const given = options.machine === undefined ? null : await loadMachine(options.machine);
        const results = [];
        for (const summary of await journal.streams(options.stream)) {
          const machine = machineFor(summary, given);
          results.push(await replayStream(journal, summary, machine, options));
        }
        if (options.json) printJson(results);
      }),
    );
}

async function replayStream(
  journal: JournalSource,
  summary: StreamSummary,
  machine: AnyStateMachine,
  { json, to }: ReplayCommandOptions,
): Promise<Omit<ReplayResult, 'snapshot'>> {
  const { stream } = summary;
  const say = (line: string) => {
    if (!json) print(line);
  };
  const judgement = await judgementOf(journal, summary, machine);
  say(stream);
  say(`  recorded by  ${summary.machine.id}#${summary.machine.hash.slice(0, 8)}`);
  say(
    `  replayed by  ${machine.id}#${structureHash(machine).slice(0, 8)}: ${judgement.verdict.toUpperCase()}`,
  );
  if (judgement.verdict !== 'fine') for (const line of differences(judgement)) say(line);
  if (judgement.verdict === 'impossible') {
    process.exitCode = JOURNAL_EXIT.incompatible;
    const what = `The chart "${machine.id}" cannot have written ${stream}: ${worst(judgement)}.`;
    printError(what, { code: 'REPLAY_INCOMPATIBLE' });
    return { stream, matched: 0, lastSeq: 0, judgement, divergence: null };
  }
  // The chart that wrote it, where it is the shipped one, tells what the context was.
  const recordedBy = writerOf(summary);
  const { snapshot, ...result } = await replay(journal.reader.read(stream), machine, {
    source: journal.name,
    ...(to !== undefined && { to: seqAt(to, summary) }),
    ...(recordedBy !== null && recordedBy !== machine && { recordedBy }),
  });
  if (result.divergence === null) {
    const end = snapshot === null ? '' : `, ending in ${stateText(snapshot.value as StateValue)}`;
    say(`✓ ${result.matched} records came out as they were recorded${end}`);
  } else {
    process.exitCode ??= JOURNAL_EXIT.diverged;
    say(formatDivergence(result.divergence));
  }
  return result;
}

async function judgementOf(
  journal: JournalSource,
  { stream, first: from }: StreamSummary,
  machine: AnyStateMachine,
): Promise<Judgement> {
  let opening: JournalRecord | null = null;
  for await (const record of journal.reader.read(stream, { from, to: from })) opening = record;
  return opening === null ? { verdict: 'fine', differences: [] } : judge(opening, machine);
}

const inWords = ({ state, what }: Judgement['differences'][number]): string => `${state}: ${what}`;

/** The worst first; that a state is new harms nobody. */
function differences({ differences: all }: Judgement): string[] {
  const grave = (['impossible', 'risky'] as const).flatMap((verdict) =>
    all.filter((difference) => difference.verdict === verdict),
  );
  const shown = grave.slice(0, DIFFERENCES_SHOWN);
  return [
    ...shown.map((difference) => `  ${difference.verdict.padEnd(11)}  ${inWords(difference)}`),
    ...(grave.length > shown.length ? [`  and ${grave.length - shown.length} more (--json lists all)`] : []),
  ];
}

function worst({ differences: all }: Judgement): string {
  const difference = all.find(({ verdict }) => verdict === 'impossible');
  return difference === undefined ? 'its structure is another' : inWords(difference);
}
