import type { Command } from 'commander';
import { DEFAULT_KEY_PREFIX } from '../lease/redis-lease-keys.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { formatDuration } from './duration.ts';
import {
  addConfigOption,
  addDirOption,
  addKeyOptions,
  type SettingOptions,
  settingsIfAny,
} from './given-settings.ts';
import { Overseer, type LeaseOverview } from './lease-overview.ts';
import { STORE_FORMS, storePath } from './lease-stores.ts';
import { forPeople } from './member-places.ts';
import type { MemberStatus } from './member-status.ts';
import { addCommand, EXIT, print, printJson, reportFailure, table, toJson } from './output.ts';
import { overviewOptions } from './overview-options.ts';
import { onStopSignals } from './stop-signals.ts';

interface StatusOptions extends SettingOptions {
  readonly watch?: true;
  readonly json?: true;
}

const WATCH_INTERVAL_MS = 500;

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'status',
    summary: 'say who leads and what each member does',
    description:
      'Shows every lease that members started here compete for, and the one that the settings name: those of `conclave up`, from the same file, environment and flags. Without settings and members it looks into the embedded store of this directory.',
    examples: [
      ['conclave status', 'what members started here compete for, and what the settings name'],
      ['conclave status --config /etc/conclave/conclave.hcl', 'from any host that reaches the store'],
      ['conclave status --resource billing --json', 'one of them, for a script'],
      ['conclave status --watch', 'go on until Ctrl-C'],
    ],
    exitCodes: { 0: 'somebody leads', 1: 'nobody leads (one resource is enough), or there is no store' },
  });
  addConfigOption(command)
    .option('--resource <name>', 'only this one (default: what members and settings say)')
    .option('--store <store>', `where they compete: ${STORE_FORMS} (default: as members and settings say)`);
  addDirOption(addKeyOptions(command))
    .option('-w, --watch', 'go on, and show what changes')
    .action(showStatus);
}

async function showStatus(options: StatusOptions): Promise<void> {
  const asked = await settingsIfAny(options, ['dir', 'keyPrefix', 'lockKey', 'resource', 'store']);
  await using overseer = new Overseer(overviewOptions(asked, options));
  const overviews = await overseer.look();
  // Members go on by the last good settings, and can say what they do; nobody else can.
  if (asked.wrong !== null && overviews.every(({ members }) => members.length === 0)) throw asked.wrong;
  const wrong = asked.wrong === null ? null : reportFailure(asked.wrong);
  if (options.watch) {
    await watch(overseer, options.json === true);
    return;
  }
  if (options.json) for (const overview of overviews) printJson(plain(overview));
  else print(page(overviews));
  process.exitCode = wrong ?? (overviews.every(({ leader }) => leader !== null) ? EXIT.ok : EXIT.failure);
}

/** Repaints a terminal; elsewhere prints what changed, as often as it does. */
async function watch(overseer: Overseer, json: boolean): Promise<void> {
  const stopped = new AbortController();
  onStopSignals(['SIGINT', 'SIGTERM'], () => stopped.abort());
  const repaint = process.stdout.isTTY && !json;
  let before = '';
  while (!stopped.signal.aborted) {
    const overviews = await overseer.look();
    if (repaint) process.stdout.write(`\x1b[H\x1b[2J${page(overviews)}\n\nCtrl-C ends this.\n`);
    else {
      const facts = toJson(overviews.map(lasting));
      if (facts !== before) print(json ? toJson(overviews.map(plain)) : `${now()}\n${page(overviews)}\n`);
      before = facts;
    }
    await pause(WATCH_INTERVAL_MS, stopped.signal);
  }
}

const now = (): string => new Date(systemClock.wallMs()).toISOString();

function pause(forMs: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const timer = systemClock.setTimeout(resolve, forMs);
    signal.addEventListener('abort', () => {
      systemClock.clearTimeout(timer);
      resolve();
    });
  });
}

/** What is worth a line when it changes; not the lease that runs down and is renewed. */
function lasting({ resource, key, leader, lease, problem, members }: LeaseOverview) {
  const told = members.map(({ member, status }) => [member, status?.role, status?.state.split('.')[0]]);
  return [resource, key, leader, lease?.token, problem, told];
}

function plain({ members, ...overview }: LeaseOverview) {
  return { ...overview, members: members.map(({ member, status }) => status ?? { member, answers: false }) };
}

function page(overviews: readonly LeaseOverview[]): string {
  return overviews.map(section).join('\n\n');
}

function section({ resource, store, key, leader, lease, problem, members }: LeaseOverview): string {
  const path = storePath(store);
  const lines = [`resource  ${resource}`, `store     ${path === null ? store : forPeople(path)}`];
  if (key !== null && key !== `${DEFAULT_KEY_PREFIX}${resource}`) lines.push(`key       ${key}`);
  if (problem !== null && lease === null) lines.push(`          ${noStore(problem)}`);
  lines.push(`leader    ${leaderLine(leader, lease)}`, '');
  if (members.length === 0) lines.push(...nobodyHere(leader));
  else lines.push(...table([['member', 'pid', 'state', 'in its own words'], ...members.map(row)]));
  return lines.join('\n');
}

const noStore = (problem: string): string =>
  problem === 'no such file' ? 'there is no such store; no member ever competed in it' : problem;

const nobodyHere = (leader: string | null): string[] =>
  leader === null
    ? ['No member answers here. Start one: conclave up']
    : ['No member answers here: the leader died, or was started with another --dir.'];

function leaderLine(leader: string | null, lease: LeaseOverview['lease']): string {
  if (leader !== null && lease !== null) {
    const { term, token, leaseMs, remainingMs } = lease;
    return `${leader}, term ${term}, token ${token}, ${formatDuration(remainingMs)} of ${formatDuration(leaseMs)} left`;
  }
  if (leader !== null) return leader;
  if (lease === null || lease.term === 0) return 'nobody leads';
  const why = lease.holder === null ? 'the lease was given up' : `the lease of ${lease.holder} has ended`;
  return `nobody leads: ${why} (term ${lease.term}, token ${lease.token})`;
}

function row({ member, status }: LeaseOverview['members'][number]): (string | number)[] {
  if (status === null) return [member, '', 'no answer', 'frozen or overloaded'];
  return [member, String(status.pid), status.state, inItsOwnWords(status)];
}

function inItsOwnWords({ role, term, token, remainingMs, currentLeader, member }: MemberStatus): string {
  const left = remainingMs === null ? '' : formatDuration(remainingMs);
  if (role === 'leader') return `leads: term ${term}, token ${token}, ${left} to go without a renewal`;
  if (currentLeader === null || currentLeader === member) return 'knows of no leader';
  return `follows ${currentLeader}, asks in ${left} unless it renews`;
}
