import type { Command } from 'commander';
import type { JournalError } from '../errors.ts';
import type { JournalRecord, StreamSummary } from '../journal/journal.ts';
import { type Verification, verify } from '../journal/verify.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { isDamage, type JournalSource } from './journal-source.ts';
import { print, printError, printJson } from './output.ts';

/** Findings printed one by one; the first is where everything went wrong. */
const FINDINGS_SHOWN = 20;

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'verify <file>',
    summary: 'check that nothing was lost or changed',
    description:
      'Checks, without any chart: that the file is whole (length and checksum of each line or record; an export to the last byte), that sequence numbers have no gap, that each record names the hash of the one before it, that one process wrote each stretch, and that fencing tokens never fall.',
    examples: [
      ['conclave journal verify journal.db', 'every stream of a journal'],
      ['gunzip -c run.jsonl.gz | conclave journal verify -', 'an export, from standard input'],
    ],
    exitCodes: { 0: 'whole', 3: JOURNAL_EXIT.text.damaged },
  }).action((file: string, options: JournalOptions) =>
    withJournal(file, async (journal) => {
      const { streams, damage } = await journal.survey(options.stream);
      const verification = await examine(journal, streams, damage);
      const trimmed = streams.filter(({ first }) => first > 1);
      if (!verification.ok) process.exitCode = JOURNAL_EXIT.damaged;
      if (options.json)
        return printJson({
          file,
          ...verification,
          trimmed: trimmed.map(({ stream, first }) => ({ stream, first })),
        });
      for (const line of textOf(journal.told, verification, trimmed)) print(line);
      if (!verification.ok) printFindings(journal.told, verification);
    }),
  );
}

/** What can be read is verified; where reading ends is a finding, too. */
async function examine(
  journal: JournalSource,
  streams: readonly StreamSummary[],
  damage: JournalError | null,
): Promise<Verification> {
  let end = damage;
  async function* records(): AsyncGenerator<JournalRecord> {
    for (const { stream, seq } of streams) {
      try {
        yield* journal.recordsTo(stream, seq);
      } catch (error) {
        if (!isDamage(error)) throw error;
        end ??= error;
      }
    }
  }
  const verification = await verify(records());
  if (end === null) return verification;
  const finding = { stream: '', seq: 0, place: end.place ?? journal.told, problem: end.message };
  return { ...verification, ok: false, findings: [...verification.findings, finding] };
}

function textOf(
  name: string,
  { ok, records, streams, dropped }: Verification,
  trimmed: readonly StreamSummary[],
): string[] {
  const counts = `${records} ${records === 1 ? 'record' : 'records'} of ${streams} ${streams === 1 ? 'stream' : 'streams'}`;
  const gaps = dropped.length === 0 ? 'no gap' : 'no gap that the writer did not tell of';
  return [
    ...(ok ? [`✓ ${name} is whole: ${counts}, ${gaps}, the chain holds, no token falls.`] : []),
    ...dropped
      .slice(0, FINDINGS_SHOWN)
      .map(({ stream, from, to }) => `  ${stream} gave up @${from} to @${to}: the disk did not keep up.`),
    ...(dropped.length > FINDINGS_SHOWN
      ? [`  and ${dropped.length - FINDINGS_SHOWN} more such stretches`]
      : []),
    ...trimmed.map(({ stream, first }) => `  ${stream} was trimmed: what was before @${first} is not here.`),
  ];
}

function printFindings(name: string, { findings, records }: Verification): void {
  const [first] = findings;
  const what =
    first?.stream === '' ? first.problem : `${name} is damaged at ${first?.place}: ${first?.problem}.`;
  printError(`${what} (${records} records could be read.)`, { code: 'JOURNAL_CORRUPT' });
  for (const { stream, place, problem } of findings.slice(1, FINDINGS_SHOWN))
    print(stream === '' ? `  ${problem}` : `  ${place}: ${problem}`);
  if (findings.length > FINDINGS_SHOWN) print(`  and ${findings.length - FINDINGS_SHOWN} more`);
}
