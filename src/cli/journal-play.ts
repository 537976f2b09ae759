import type { Command } from 'commander';
import { InvalidArgumentError } from 'commander';
import { connect } from 'node:net';
import type { JournalRecord } from '../journal/journal.ts';
import { INSPECTOR_URL, statelyInspector } from '../observability/stately-inspector.ts';
import { addJournalCommand, JOURNAL_EXIT, type JournalOptions, withJournal } from './journal-command.ts';
import { loadMachine, machineFor } from './journal-machine.ts';
import { print, printJson } from './output.ts';
import { onStopSignals } from './stop-signals.ts';

interface PlayOptions extends JournalOptions {
  readonly to?: string;
  readonly speed: number;
  readonly machine?: string;
}

const LISTENS_PATIENCE_MS = 2000;

export function register(parent: Command): void {
  addJournalCommand(parent, {
    usage: 'play <file>',
    summary: 'play a recording in the Stately inspector',
    description:
      'Sends what one member recorded to the Stately inspector, as if its chart were alive; nothing runs and no store is asked. The inspector is whoever listens at --to: `createInspectorServer()` of @statelyai/inspect/server, or any WebSocket server. Stays until Ctrl-C, so that who looks later sees it, too.',
    examples: [
      ['conclave journal play web-1.jsonl', 'all at once'],
      ['conclave journal play web-1.jsonl --speed 10', 'with its pauses, ten times as fast'],
    ],
    exitCodes: { 0: 'played', 3: JOURNAL_EXIT.text.damaged, 4: JOURNAL_EXIT.text.incompatible },
  })
    .option('--to <url>', 'where the inspector listens (default: ws://127.0.0.1:8080)')
    .option(
      '--speed <factor>',
      'so many times as fast as it was (default: all at once)',
      parseSpeed,
      Infinity,
    )
    .option(
      '--machine <module>',
      'the chart: ./chart.ts#export (default: the shipped one of the recorded id)',
    )
    .action((file: string, { to = INSPECTOR_URL, speed, machine, stream, json }: PlayOptions) =>
      withJournal(file, async (journal) => {
        const summary = await journal.stream(stream?.[0]);
        const chart = machineFor(summary, machine === undefined ? null : await loadMachine(machine));
        const records: JournalRecord[] = [];
        for await (const record of journal.reader.read(summary.stream)) records.push(record);
        using inspector = await statelyInspector({ url: to });
        const ended = new AbortController();
        onStopSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], () => ended.abort());
        await inspector.play(records, chart, { speed, signal: ended.signal });
        if (ended.signal.aborted) return;
        const isHeard = await listens(to);
        if (json) printJson({ stream: summary.stream, records: records.length, heard: isHeard });
        else if (isHeard) print(`${summary.stream}: ${records.length} records played (Ctrl-C ends)`);
        else
          print(
            `${summary.stream}: ${records.length} records are kept for the inspector, but nobody listens at ${to} yet. That is tried again every five seconds (Ctrl-C ends).`,
          );
        await new Promise((resolve) => ended.signal.addEventListener('abort', resolve, { once: true }));
      }),
    );
}

function parseSpeed(text: string): number {
  const speed = Number(text);
  if (speed > 0) return speed;
  throw new InvalidArgumentError('It must be a number above 0.');
}

/** Whether anybody answers there; a name that leads nowhere, or a host that is silent, is nobody. */
async function listens(url: string): Promise<boolean> {
  const { hostname, port, protocol } = new URL(url);
  const number = Number(port) || (protocol === 'wss:' ? 443 : 80);
  const socket = connect({ host: hostname.replaceAll(/[[\]]/g, ''), port: number });
  socket.setTimeout(LISTENS_PATIENCE_MS, () => socket.destroy(new Error('silent')));
  const { promise, resolve } = Promise.withResolvers<boolean>();
  socket.once('connect', () => resolve(true));
  socket.once('error', () => resolve(false));
  const isHeard = await promise;
  socket.destroy();
  return isHeard;
}
