import { createWriteStream, existsSync } from 'node:fs';
import type { Writable } from 'node:stream';
import { once } from 'node:events';
import type { Command } from 'commander';
import { SettingsError } from '../errors.ts';
import { exportJournal } from '../journal/jsonl-export.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { printJson, toJson } from './output.ts';

interface ExportOptions extends JournalOptions {
  readonly out?: string;
}

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'export <file>',
    summary: 'write it as JSONL, to attach, keep or pipe',
    description:
      'Writes a journal in its travelling form: one line a record, each with length and checksum, closed by a digest over everything, so that one changed byte is noticed. It may be written meanwhile; the export ends where the journal stood when it began.',
    examples: [
      ['conclave journal export journal.db --out run.jsonl', 'all streams into a file'],
      [
        'conclave journal export journal.db --stream web-1 | gzip > web-1.jsonl.gz',
        'one stream, through a pipe',
      ],
    ],
    exitCodes: { 0: 'exported', 3: JOURNAL_EXIT.text.damaged },
  })
    .option('--out <file>', 'a new file instead of standard output')
    .action((file: string, { stream, out, json }: ExportOptions) =>
      withJournal(file, async (journal) => {
        const streams = (await journal.streams(stream)).map((each) => each.stream);
        const sink = out === undefined ? process.stdout : openNew(out);
        const written = await exportJournal(journal.reader, (chunk) => write(sink, chunk), streams);
        if (out !== undefined) await closed(sink, out);
        const summary = { file: out ?? null, streams, ...written };
        if (json && out !== undefined) return printJson(summary);
        const told = `Exported ${written.records} records of ${streams.length === 1 ? '1 stream' : `${streams.length} streams`}, ${written.bytes} bytes.`;
        process.stderr.write(json ? `${toJson(summary)}\n` : `conclave: ${told}\n`);
      }),
    );
}

/** An export is evidence: none is ever overwritten. */
function openNew(path: string): Writable {
  if (existsSync(path))
    throw new SettingsError('SETTINGS_INVALID', `--out ${path} is there already; it was left untouched.`);
  return createWriteStream(path, { flags: 'wx', mode: 0o600 });
}

async function write(sink: Writable, chunk: Uint8Array): Promise<void> {
  if (!sink.write(chunk)) await once(sink, 'drain');
}

async function closed(sink: Writable, path: string): Promise<void> {
  try {
    sink.end();
    await once(sink, 'finish');
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new SettingsError('DIRECTORY_UNWRITABLE', `--out ${path} cannot be written: ${said}.`, { cause });
  }
}
