import { type Command, Option } from 'commander';
import type { StatelyInspector } from '../observability/stately-inspector.ts';
import { type PrometheusMetrics, prometheusMetrics } from '../observability/prometheus-text.ts';
import type { Clock } from '../runtime/clock.ts';
import { openLog, type MemberLog } from './log.ts';
import { openMember } from './member-open.ts';
import { isInForce } from './member-reloads.ts';
import { forPeople } from './member-places.ts';
import type { Member } from './member.ts';
import { addCommand } from './output.ts';
import { addSettingFlags, settingsInput } from './setting-flags.ts';
import { bootSettings, type BootedSettings } from './settings-boot.ts';
import { onStopSignals } from './stop-signals.ts';
import { Supervision } from './supervision.ts';
import { announce } from './up-announce.ts';
import { onReloadSignal } from './up-hangup.ts';
import { reloadPlans } from './up-reloads.ts';
import { UpServers } from './up-servers.ts';
import { memberSettingsOf } from './up-settings.ts';

interface UpOptions extends Readonly<Record<string, unknown>> {
  readonly json?: true;
  readonly supervised?: true;
}

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'up',
    summary: 'run one member of an election',
    description:
      'Runs one member until it is told to stop (SIGTERM, Ctrl-C): then it is not ready any more, finishes requests, hands over and ends; a second signal ends it at once.\n' +
      'Without settings, members of this host compete in an embedded store in .conclave/. Every setting may stand in a file, too; `conclave settings` shows them with where each comes from.\n' +
      'It answers over HTTP: health, leadership, configuration and a page to look at it on --port, metrics on --metrics-port. Ports that nobody asked for give way to the next free ones.\n' +
      'While it runs, it follows its settings file: timings of leases hold from the next term on, the log level at once, and it says which other changes need a restart. --configuration names another file, that of your application: it is checked for syntax, applied and, in the modes file and store, agreed upon with the other members. SIGHUP and `conclave config reload` read both again.',
    examples: [
      ['conclave up', 'a member; start it twice to have a follower'],
      ['conclave up --config conclave.hcl', 'as a settings file says, and follow it'],
      ['conclave up --resource billing --lease 30s --renew 10s', 'name what is led, and for how long'],
      ['conclave up --store sqlite:/var/lib/billing/leases.db', 'an embedded store elsewhere'],
      ['conclave up --store redis://redis.internal:6379', 'members on several hosts'],
      ['conclave up --configuration app.yaml', 'share a configuration with the other members'],
      ['conclave up --inspect', 'see its chart live in the Stately inspector'],
    ],
    exitCodes: {
      0: 'stopped as asked, leadership handed over',
      1: 'it could not start or go on',
      2: 'the command line or a setting is wrong, or a port is taken; nothing was done',
      '128+n': 'ended at once by a second signal n',
    },
  });
  addSettingFlags(command)
    .addOption(new Option('--supervised', 'report to the parent process, and stop with it').hideHelp())
    .action(up);
}

async function up(options: UpOptions): Promise<void> {
  const stop = Promise.withResolvers<string>();
  const started = Promise.withResolvers<Member>();
  // Before anything else. What is to be read again while it starts, it reads again once it has.
  onStopSignals(['SIGTERM', 'SIGINT'], stop.resolve);
  using _ = onReloadSignal(() => void started.promise.then((member) => reload(member, log)), stop.resolve);
  const booted = await bootSettings(settingsInput(options));
  const { settings, warnings } = booted;
  using log = openLog({ json: settings.log.json, level: settings.log.level });
  using supervision = options.supervised ? new Supervision(() => stop.resolve('parent gone')) : null;
  using inspector = settings.inspect === null ? null : await openInspector(settings.inspect);
  await using metrics = prometheusMetrics({
    prefix: settings.metrics.prefix,
    ...(supervision && { clock: supervision.clock }),
  });
  metrics.metrics.observeEventLoop();
  const member = await memberOf(booted, log, {
    metrics,
    ...(supervision && { clock: supervision.clock }),
    ...(inspector && { inspect: inspector.inspect }),
  });
  void member.askedToStop.then(() => stop.resolve('control socket'));
  try {
    for (const warning of warnings) log.logger.warn({}, warning);
    supervision?.watch(member);
    // Told to stop meanwhile, it does not wait for a store that is slow to answer.
    const starting = startedAndSaid(member, settings.log.json, supervision);
    await Promise.race([starting.then(() => started.resolve(member)), stop.promise]);
    // What failed for good never comes back: say so by the exit code, so that a supervisor starts another.
    const why = await Promise.race([stop.promise, member.failed]);
    log.logger.info({ resource: member.election.resource }, `Stopping (${why})`);
  } finally {
    await member.stop();
  }
}

async function startedAndSaid(member: Member, json: boolean, supervision: Supervision | null): Promise<void> {
  await member.start();
  if (member.isStopping) return;
  announce(member, json);
  supervision?.ready();
}

interface Parts {
  readonly metrics: PrometheusMetrics;
  readonly clock?: Clock;
  readonly inspect?: StatelyInspector['inspect'];
}

async function memberOf(booted: BootedSettings, log: MemberLog, parts: Parts): Promise<Member> {
  const { metrics, ...rest } = parts;
  const reloads = await reloadPlans(booted, log);
  try {
    const settings = memberSettingsOf(booted.settings, log.logger);
    const serversOf = (member: Member) => new UpServers(member, booted, metrics);
    return openMember({ ...settings, ...rest, reloads, metrics: metrics.metrics }, serversOf);
  } catch (error) {
    for (const { state } of reloads) await state[Symbol.asyncDispose]();
    throw error;
  }
}

async function reload(member: Member, { logger }: MemberLog): Promise<void> {
  const reports = await member.reload();
  if (reports.length === 0) logger.warn({}, 'SIGHUP: there is no file to reload; start it with --config');
  for (const { path, outcome } of reports)
    logger[isInForce(outcome) ? 'info' : 'error']({}, `SIGHUP: ${forPeople(path)}: ${outcome}`);
}

/** Only who looks loads what it takes. */
async function openInspector(url: string | true): Promise<StatelyInspector> {
  const { statelyInspector } = await import('../observability/stately-inspector.ts');
  return statelyInspector(url === true ? {} : { url });
}
