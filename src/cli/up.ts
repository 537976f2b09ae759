import { type Command, InvalidArgumentError, Option } from 'commander';
import { hostname } from 'node:os';
import { join, resolve } from 'node:path';
import type { StatelyInspector } from '../observability/stately-inspector.ts';
import { VERSION } from '../runtime/identity.ts';
import { formatDuration, parseDuration, parsePositiveDuration } from './duration.ts';
import { openLog, type MemberLog } from './log.ts';
import { openMember, timingsOf } from './member-open.ts';
import { defaultResource, forPeople, placesIn, STATE_DIRECTORY } from './member-places.ts';
import type { MemberSettings } from './member-settings.ts';
import type { Member } from './member.ts';
import { resolveStore, STORE_FORMS, storeName, storePath } from './lease-stores.ts';
import { addCommand, print, printJson } from './output.ts';
import { onStopSignals } from './stop-signals.ts';
import { Supervision } from './supervision.ts';

interface UpOptions {
  readonly resource?: string;
  readonly store?: string;
  readonly id?: string;
  readonly lease?: number;
  readonly renew?: number;
  readonly grace?: number;
  readonly dir: string;
  readonly journal?: string;
  readonly onJournalFailure: 'continue' | 'stop';
  readonly paused?: true;
  /** Address of an inspector, or true for the usual one. */
  readonly inspect?: string | true;
  readonly verbose?: true;
  readonly json?: true;
  readonly supervised?: true;
}

/** It becomes part of file names. */
const NAME_MAX_LENGTH = 100;

export function register(program: Command): void {
  addCommand(program, {
    usage: 'up',
    summary: 'run one member of an election',
    description:
      'Runs one member until it is told to stop (SIGTERM, Ctrl-C): then it hands over and ends.\n' +
      'Without settings, members of this host compete in an embedded store in .conclave/.',
    examples: [
      ['conclave up', 'a member; start it twice to have a follower'],
      ['conclave up --resource billing --lease 30s --renew 10s', 'name what is led, and for how long'],
      ['conclave up --store sqlite:/var/lib/billing/leases.db', 'an embedded store elsewhere'],
      ['conclave up --store redis://redis.internal:6379', 'members on several hosts'],
      ['conclave up --inspect', 'see its chart live in the Stately inspector'],
    ],
    exitCodes: { 0: 'stopped as asked, leadership handed over', 1: 'it could not start or go on' },
  })
    .option('--resource <name>', 'what is led (default: the package name, else "default")')
    .option('--store <store>', `where members compete: ${STORE_FORMS} (default: sqlite:.conclave/leases.db)`)
    .option('--id <name>', 'what people call this member (default: $POD_NAME, else the host name)', parseName)
    .option(
      '--lease <duration>',
      'how long a term lasts without a renewal (default: 15s)',
      parsePositiveDuration,
    )
    .option('--renew <duration>', 'how often it is renewed (default: a third of it)', parsePositiveDuration)
    .option('--grace <duration>', "the others' extra wait after an expiry (default: 0s)", parseDuration)
    .option('--dir <path>', 'for store, journals and control sockets', parsePath, STATE_DIRECTORY)
    .option('--journal <path>', 'journal file, or "memory" (default: one for each process below --dir)')
    .addOption(
      new Option('--on-journal-failure <policy>', 'whether leadership goes on while the journal fails')
        .choices(['continue', 'stop'])
        .default('continue'),
    )
    .option('--paused', 'start without being a candidate')
    .option('--inspect [url]', 'show the chart in the Stately inspector (default: ws://127.0.0.1:8080)')
    .option('-v, --verbose', 'log renewals and waits, too')
    .addOption(new Option('--supervised', 'report to the parent process, and stop with it').hideHelp())
    .action(up);
}

function parseName(text: string): string {
  if (text.trim() !== '' && text.length <= NAME_MAX_LENGTH) return text.trim();
  throw new InvalidArgumentError(`It must be a name of 1 to ${NAME_MAX_LENGTH} characters.`);
}

function parsePath(text: string): string {
  if (text.trim() === '') throw new InvalidArgumentError('It must name a directory.');
  return resolve(text);
}

async function up(options: UpOptions): Promise<void> {
  using log = openLog({ json: options.json === true, verbose: options.verbose === true });
  const stop = Promise.withResolvers<string>();
  using supervision = options.supervised ? new Supervision(() => stop.resolve('parent gone')) : null;
  using inspector = options.inspect === undefined ? null : await openInspector(options.inspect);
  const settings = {
    ...settingsFrom(options, log),
    ...(supervision && { clock: supervision.clock }),
    ...(inspector && { inspect: inspector.inspect }),
  };
  const member = openMember(settings);
  onStopSignals(['SIGTERM', 'SIGINT'], stop.resolve);
  void member.askedToStop.then(() => stop.resolve('control socket'));
  announce(member, settings, options.json === true);
  supervision?.watch(member);
  try {
    await member.start();
    supervision?.ready();
    // What failed for good never comes back: say so by the exit code, so that a supervisor starts another.
    const why = await Promise.race([stop.promise, member.failed]);
    log.logger.info({ resource: settings.resource }, `Stopping (${why})`);
  } finally {
    await member.stop();
  }
}

/** Only who looks loads what it takes. */
async function openInspector(url: string | true): Promise<StatelyInspector> {
  const { statelyInspector } = await import('../observability/stately-inspector.ts');
  return statelyInspector(url === true ? {} : { url });
}

function settingsFrom(options: UpOptions, { logger }: MemberLog): MemberSettings {
  const places = placesIn(options.dir);
  const name = options.id ?? (process.env['POD_NAME'] || hostname());
  const journal = options.journal ?? join(places.journals, `${fileName(name)}-${process.pid}.db`);
  return {
    resource: options.resource ?? defaultResource(),
    name,
    store: resolveStore(options.store ?? `sqlite:${places.leases}`),
    directory: places.directory,
    journal: journal === 'memory' ? null : resolve(journal),
    timings: timingsOf(options),
    onJournalFailure: options.onJournalFailure,
    paused: options.paused === true,
    logger,
  };
}

const fileName = (name: string): string => name.replaceAll(/[^A-Za-z0-9._-]+/g, '-');

function announce(member: Member, settings: MemberSettings, json: boolean): void {
  const { resource, journal, name } = settings;
  const store = storeName(settings.store);
  const { leaseMs, renewIntervalMs, graceMs } = member.election.actor.getSnapshot().context.timings;
  const { candidateId } = member.election;
  const { socket } = member.socket;
  if (json) {
    const timings = { leaseMs, renewIntervalMs, graceMs };
    const told = { member: candidateId, name, resource, pid: process.pid, store, journal, socket, timings };
    return printJson({ type: 'up', version: VERSION, ...told });
  }
  const path = storePath(store);
  print(`conclave ${VERSION}: member ${candidateId} of "${resource}", pid ${process.pid}`);
  print(`  store    ${path === null ? store : `${forPeople(path)} (embedded: for processes of this host)`}`);
  print(`  journal  ${journal === null ? 'in memory' : forPeople(journal)}`);
  print(`  control  ${forPeople(socket)}`);
  const grace = graceMs === 0 ? '' : `, grace ${formatDuration(graceMs)}`;
  print(`  lease    ${formatDuration(leaseMs)}, renewed every ${formatDuration(renewIntervalMs)}${grace}`);
}
