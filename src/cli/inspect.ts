import { spawn } from 'node:child_process';
import { basename } from 'node:path';
import type { Command } from 'commander';
import { exportJournal } from '../journal/jsonl-export.ts';
import { withJournals } from './journal-command.ts';
import { followJournals } from './journal-follow.ts';
import { type JournalSource, STDIN } from './journal-source.ts';
import { addCommand, print, printJson } from './output.ts';
import { parsePort } from './port.ts';
import { onStopSignals } from './stop-signals.ts';

interface InspectOptions {
  readonly port?: number;
  readonly open: boolean;
  readonly follow?: true;
  readonly json?: true;
}

export function register(program: Command): void {
  addCommand(program, {
    usage: 'inspect [files...]',
    summary: 'look at journals in the browser',
    description:
      'Serves the viewer on this host alone and opens it: the chart with its active states lit, a lane for each member on one time axis, every record whole, step by step. FILE is a journal.db, also while it is being written, a JSONL journal, or - for standard input. Without files the page waits for some to be dropped on it.',
    examples: [
      ['conclave inspect .conclave/journal/*.db', 'all members of this directory'],
      ['conclave inspect web-1.jsonl web-2.jsonl --no-open', 'print the address only'],
      ['conclave inspect .conclave/journal/*.db --follow', 'as they are written'],
    ],
    exitCodes: { 0: 'ended by Ctrl-C', 3: 'a journal is damaged or cut short; the message says where' },
  })
    .option('--port <port>', 'where to listen (default: any free one)', parsePort)
    .option('--no-open', 'do not open a browser')
    .option('-f, --follow', 'go on as records are written')
    .action((files: string[], options: InspectOptions) =>
      withJournals(files, (journals) => serve(journals, options)),
    );
}

async function serve(
  journals: readonly JournalSource[],
  { port, open, follow, json }: InspectOptions,
): Promise<void> {
  const { listen } = await import('../server/listen.ts');
  const { viewerApp } = await import('../server/viewer-app.ts');
  // What cannot be read is said here, not in the page.
  for (const journal of journals) await journal.streams();
  const named = new Map(journals.map((journal, at) => [nameOf(journal, at), () => exported(journal)]));
  const readers = journals.map(({ reader }) => reader);
  const app = viewerApp(
    follow ? { follow: (signal) => followJournals(() => readers, signal) } : { journals: named },
  );
  await using listening = await listen(app, port === undefined ? {} : { port });
  const { promise: ended, resolve: end } = Promise.withResolvers<void>();
  onStopSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], () => end());
  if (json) printJson({ url: listening.url });
  else print(`Look at ${listening.url} (Ctrl-C ends it)`);
  if (open && !json) openBrowser(listening.url);
  await ended;
}

/** Unique, and as short as people know it. */
const nameOf = ({ name }: JournalSource, at: number): string =>
  `${at + 1}-${name === STDIN ? 'standard-input' : basename(name)}`.replace(/(\.jsonl|\.db)?$/, '.jsonl');

async function* exported({ reader }: JournalSource): AsyncGenerator<Uint8Array> {
  const { readable, writable } = new TransformStream<Uint8Array, Uint8Array>();
  const writer = writable.getWriter();
  const writing = exportJournal(reader, (chunk) => writer.write(chunk)).then(
    () => writer.close(),
    (error: unknown) => writer.abort(error),
  );
  yield* readable;
  await writing;
}

const OPENERS: Partial<Readonly<Record<NodeJS.Platform, readonly [string, ...string[]]>>> = {
  darwin: ['open'],
  win32: ['cmd', '/c', 'start', ''],
};

/** Where there is no browser to open, the printed address has to do. */
function openBrowser(url: string): void {
  const [command, ...args] = OPENERS[process.platform] ?? ['xdg-open'];
  const child = spawn(command, [...args, url], { stdio: 'ignore', detached: true });
  child.once('error', () => {});
  child.unref();
}
