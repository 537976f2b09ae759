import { type Command, InvalidArgumentError, Option } from 'commander';
import { cpSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { ConclaveError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { systemRandomness } from '../runtime/system-randomness.ts';
import { exportEvidence } from './demo/evidence.ts';
import { type Ending, perform, type Scenario, SCENARIOS } from './demo/performance.ts';
import { printReport, reportAsJson } from './demo/report.ts';
import { Stage } from './demo/stage.ts';
import { judge } from './demo/verdict.ts';
import { parsePositiveDuration } from './duration.ts';
import { resolveStore, STORE_FORMS } from './lease-stores.ts';
import { forPeople, prepareDirectory } from './member-places.ts';
import { addCommand, EXIT, print, printError, printJson } from './output.ts';
import { parsePort } from './port.ts';
import { onStopSignals } from './stop-signals.ts';

interface DemoOptions {
  readonly scenario?: Scenario;
  readonly for?: number;
  readonly members: number;
  readonly lease: number;
  readonly renew?: number;
  readonly keep?: string;
  readonly store?: string;
  readonly web: boolean;
  readonly port?: number;
  readonly json?: true;
}

const MEMBERS_MAX = 9;

export function register(program: Command): void {
  addCommand(program, {
    usage: 'demo',
    summary: 'watch three real members fail over',
    description:
      'Starts members as processes of their own, which compete in an embedded store in a temporary directory,\n' +
      'and shows who leads, here and on a page of its own. Kill, freeze or stop members by a key, by a button of the page, or from another terminal; edit the configuration that they share.\n' +
      "With --scenario that is done again and again. What held is judged from the members' journals.",
    examples: [
      ['conclave demo', 'three members until Ctrl-C'],
      ['conclave demo --scenario failover --for 20s', 'kill, freeze and stop the leader in turn'],
      ['conclave demo --scenario all', 'that, and change, break and mend the configuration they share'],
      ['conclave demo --store redis://localhost', 'the same on a Redis'],
      [
        'conclave demo --scenario failover --for 1m --json --keep evidence',
        'for a script; keep the journals',
      ],
    ],
    exitCodes: { 0: 'everything held', 1: 'something did not hold, or a member could not run' },
  })
    .addOption(new Option('--scenario <name>', 'what to do, in turn').choices(SCENARIOS))
    .option('--for <duration>', 'how long; a round that was begun is finished', parsePositiveDuration)
    .option('--members <n>', 'how many members', parseMembers, 3)
    .option('--lease <duration>', 'their lease (default: 2s)', parsePositiveDuration, 2000)
    .option('--renew <duration>', 'how often it is renewed (default: a third of it)', parsePositiveDuration)
    .option('--store <store>', `compete in this one: ${STORE_FORMS} (default: an embedded one)`, parseStore)
    .option('--keep <directory>', 'keep the journals there (JSON lines, one file a process), and the logs')
    .option('--port <port>', 'where the page is (default: any free one)', parsePort)
    .option('--no-web', 'without the page')
    .action(demo);
}

function parseMembers(text: string): number {
  const n = Number(text);
  if (!Number.isInteger(n) || n < 2 || n > MEMBERS_MAX)
    throw new InvalidArgumentError(`It must be a whole number from 2 to ${MEMBERS_MAX}.`);
  return n;
}

/** Members are processes of their own, which a store in one's memory is of no use to. */
function parseStore(text: string): string {
  if (text === 'memory')
    throw new InvalidArgumentError('Members in several processes cannot share a memory.');
  return resolveStore(text);
}

async function demo(options: DemoOptions): Promise<void> {
  const { scenario, members, lease, renew, json, store, web, port } = options;
  const keep = options.keep === undefined ? null : resolve(options.keep);
  if (keep !== null) prepareDirectory(keep, '--keep');
  const ending = endingOf(options);
  const directory = mkdtempSync(join(tmpdir(), 'conclave-demo-'));
  const stage = new Stage(json ? 'json' : process.stdout.isTTY ? 'board' : 'lines', lease);
  // Elsewhere somebody else may watch a demo, too.
  const resource = store === undefined ? 'demo' : `demo-${systemRandomness.id()}`;
  const cluster = { directory, resource, store, members, leaseMs: lease, renewMs: renew };
  let performance;
  try {
    performance = await perform({ cluster, scenario, web: web ? { port } : null }, stage, ending);
  } catch (error) {
    if (error instanceof ConclaveError && error.code === 'SETTINGS_INVALID')
      rmSync(directory, { recursive: true });
    else printError(`The demo failed; logs are in ${join(directory, 'logs')}.`);
    throw error;
  }
  const { failovers, reloadings } = performance;
  const exports = join(directory, 'exports');
  await exportEvidence(directory, exports);
  const verdict = await judge(exports, performance);
  if (json) printJson(reportAsJson(verdict, failovers, reloadings));
  else printReport(verdict, failovers);
  if (keep !== null) cpSync(exports, keep, { recursive: true });
  if (keep !== null && !json) print(`\nJournals and logs are in ${forPeople(keep)}.`);
  if (verdict.held) rmSync(directory, { recursive: true, force: true });
  else printError(`Something did not hold. Store, journals and logs are in ${directory}.`);
  process.exitCode = verdict.held ? EXIT.ok : EXIT.failure;
}

/** The first signal ends the performance in order, the second this process at once; the members then stop, too. */
function endingOf({ for: forMs }: DemoOptions): Ending {
  const interrupted = new AbortController();
  const over = new AbortController();
  const timer = forMs === undefined ? null : systemClock.setTimeout(() => over.abort(), forMs);
  const end = () => {
    systemClock.clearTimeout(timer);
    over.abort();
    interrupted.abort();
  };
  onStopSignals(['SIGINT', 'SIGTERM', 'SIGHUP'], end);
  return { interrupted: interrupted.signal, over: over.signal, end };
}
