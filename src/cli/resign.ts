import type { Command } from 'commander';
import { ConclaveError, StoreUnavailableError } from '../errors.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { ask } from './control-client.ts';
import { formatDuration, parsePositiveDuration } from './duration.ts';
import {
  addConfigOption,
  addDirOption,
  addKeyOptions,
  type AskedSettings,
  isGiven,
  type SettingOptions,
  settingsIfAny,
  unlessWrong,
} from './given-settings.ts';
import { Overseer, type LeaseOverview } from './lease-overview.ts';
import { STORE_FORMS } from './lease-stores.ts';
import type { LocalMember } from './local-members.ts';
import type { MemberStatus } from './member-status.ts';
import { addCommand, EXIT, print, printError, printJson } from './output.ts';
import { overviewOptions } from './overview-options.ts';

interface ResignOptions extends Omit<SettingOptions, 'id'> {
  /** No setting: whom to ask, not what this is called. */
  readonly id?: string;
  readonly wait?: number;
  readonly json?: true;
}

const POLL_MS = 20;
/** Handing over waits for the leader's work, at most half a lease unless set otherwise. */
const RESIGN_TIMEOUT_MS = 120_000;

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'resign',
    summary: 'have the leader hand over to another',
    description:
      'Asks the leader to hand over and waits until somebody leads again. The one who resigned sits out\n' +
      'until another leads, at most for one lease.\n' +
      'Which resource, and in which store, may come from the settings of the members: the same file and environment.',
    examples: [
      ['conclave resign', 'the leader of the only resource here'],
      ['conclave resign --resource billing --id web-1', 'only if web-1 leads'],
    ],
    exitCodes: { 0: 'somebody leads again', 1: 'nobody to ask, or nobody led in time' },
  });
  addConfigOption(command)
    .option('--resource <name>', 'what is led (default: as the settings say, else what local members are in)')
    .option('--store <store>', `where they compete: ${STORE_FORMS} (default: as members and settings say)`);
  addDirOption(addKeyOptions(command))
    .option('--id <name>', 'only if the leader has this name or holder id')
    .option('--wait <duration>', 'for the next leader, at most (default: two leases)', parsePositiveDuration)
    .action(resign);
}

async function resign(options: ResignOptions): Promise<void> {
  const { id: _, ...flags } = options;
  const asked = unlessWrong(await settingsIfAny(flags, ['dir', 'keyPrefix', 'lockKey', 'resource', 'store']));
  await using overseer = new Overseer(overviewOptions(asked, flags, resourceMeant(asked, flags)));
  const { overview, leader } = leaderToAsk(await overseer.look(), options);
  const since = systemClock.monotonicMs();
  const answer = await ask<MemberStatus>(leader.socket, 'resign', RESIGN_TIMEOUT_MS);
  if (answer.kind === 'gone' || answer.kind === 'silent') throw unreachable(leader.member);
  if (answer.kind === 'refused')
    throw new ConclaveError('NOT_LEADER', `${answer.message} Ask again: conclave status says who leads.`);
  const patienceMs = options.wait ?? 2 * (overview.lease?.leaseMs ?? 15_000);
  const next = await nextLeader(overseer, overview, patienceMs);
  const tookMs = systemClock.monotonicMs() - since;
  if (next === null) {
    printError(`${leader.member} resigned, but nobody leads ${formatDuration(patienceMs)} later.`);
    process.exitCode = EXIT.failure;
    return;
  }
  const { term, token } = next.lease ?? { term: null, token: null };
  const { resource } = overview;
  if (options.json)
    return printJson({
      resource,
      resigned: leader.member,
      leader: next.leader,
      term,
      token,
      tookMs: Math.round(tookMs),
    });
  const again = next.leader === leader.member ? ' again: nobody else was there' : '';
  print(`${leader.member} resigned from "${resource}".`);
  print(
    `${next.leader} leads${again}${token === null ? '' : ` (term ${term}, token ${token})`}, after ${formatDuration(tookMs)}.`,
  );
}

/** Settings that name a resource mean that one, however many members are here. */
function resourceMeant(
  { given }: Pick<AskedSettings, 'given'>,
  { resource }: SettingOptions,
): string | undefined {
  const isNamed = given !== null && isGiven(given, 'leaderElection.resourceName');
  return isNamed ? given.settings.leaderElection.resourceName : resource;
}

/** @throws ConclaveError that says why there is nobody to ask */
function leaderToAsk(
  overviews: readonly LeaseOverview[],
  { id }: ResignOptions,
): { readonly overview: LeaseOverview; readonly leader: LocalMember } {
  const led = overviews.filter(({ leader }) => leader !== null);
  const [overview, another] = led;
  if (overview === undefined)
    throw new ConclaveError(
      'NOT_LEADER',
      `Nobody leads ${overviews.map(({ resource }) => `"${resource}"`).join(', ')}.`,
    );
  if (another !== undefined) throw severalLed(led);
  const holder = overview.leader ?? '';
  const leader = overview.members.find(({ member }) => member === holder);
  if (leader === undefined) throw unreachable(holder);
  if (id !== undefined && id !== holder && id !== leader.status?.name)
    throw new ConclaveError('NOT_LEADER', `--id is "${id}", but ${holder} leads "${overview.resource}".`);
  return { overview, leader };
}

function severalLed(led: readonly LeaseOverview[]): ConclaveError {
  const resources = new Set(led.map(({ resource }) => resource));
  const message =
    resources.size > 1
      ? `Members here compete for several resources: choose one by --resource (${[...resources].join(', ')}).`
      : `"${[...resources][0]}" is led in several places: choose one by --store, --key-prefix or --lock-key (${led.map(({ store, key }) => (key === null ? store : `${store} ${key}`)).join(', ')}).`;
  return new ConclaveError('SETTINGS_INVALID', message);
}

function unreachable(member: string): StoreUnavailableError {
  return new StoreUnavailableError(
    'MEMBER_UNREACHABLE',
    `The leader, ${member}, does not answer on a control socket here: give the --dir it was started with, or look whether it is frozen.`,
    { outcomeUnknown: true },
  );
}

/** Whoever leads by a larger token than before. */
async function nextLeader(
  overseer: Overseer,
  before: LeaseOverview,
  patienceMs: number,
): Promise<LeaseOverview | null> {
  const deadline = systemClock.monotonicMs() + patienceMs;
  const old = before.lease?.token ?? 0n;
  while (systemClock.monotonicMs() < deadline) {
    const now = (await overseer.look()).find(
      ({ resource, store, key }) =>
        resource === before.resource && store === before.store && key === before.key,
    );
    if (now?.leader && (now.lease === null || now.lease.token > old)) return now;
    await new Promise<void>((resolve) => systemClock.setTimeout(resolve, POLL_MS));
  }
  return null;
}
