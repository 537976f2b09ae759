import type { Command } from 'commander';
import { createInterface } from 'node:readline/promises';
import { ConclaveError, SettingsError } from '../errors.ts';
import type { LeaseStore, LeaseView } from '../lease/lease-store.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { showOrigin } from '../settings/origin.ts';
import { formatDuration } from './duration.ts';
import {
  addConfigOption,
  addKeyOptions,
  givenSettings,
  isGiven,
  type SettingOption,
  type SettingOptions,
} from './given-settings.ts';
import { keysOfLease, openLeases, STORE_FORMS, storeName, storePath } from './lease-stores.ts';
import { existsSync } from 'node:fs';
import { addCommand, EXIT, print, printError, printJson } from './output.ts';

interface ReleaseOptions extends SettingOptions {
  readonly force?: true;
  readonly yes?: true;
  readonly json?: true;
}

const CALL_TIMEOUT_MS = 5000;

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'release',
    summary: 'take the lease from a leader that is dead',
    description:
      'Releases a lease at once for a holder that cannot do it any more, so that nobody has to wait until it ends.\n' +
      'If that holder lives after all, it leads until its next renewal, beside whoever is granted the lease meanwhile:\n' +
      'only resources that compare tokens are safe from that. A leader that answers hands over by "conclave resign".\n' +
      'Whose lease, and in which store, may come from the settings of the members: the same file and environment.',
    examples: [
      [
        'conclave release --force --config /etc/conclave/conclave.hcl',
        'the lease of these settings; asks first',
      ],
      ['conclave release --force --resource billing --store redis://redis.internal', 'asks first'],
      ['conclave release --force --yes --resource billing --store sqlite:leases.db', 'in a script'],
    ],
    exitCodes: {
      0: 'released, or nobody held it',
      1: 'it was not released: the store cannot be asked, or the lease changed hands meanwhile',
      2: 'the command line is wrong, --force is missing, or nobody confirmed; nothing was done',
    },
  });
  addConfigOption(command)
    .option('--resource <name>', 'whose lease')
    .option('--store <store>', `where members compete: ${STORE_FORMS}`);
  addKeyOptions(command)
    .option('--force', 'do it, knowing what it risks')
    .option('-y, --yes', 'do not ask')
    .action(release);
}

async function release(options: ReleaseOptions): Promise<void> {
  const { json } = options;
  const { resource, store, keys } = await leaseMeant(options);
  refuseWithoutForce(options, resource, store);
  await using leases = openLeases(store, undefined, keys);
  const lease = await inTime((signal) => leases.read(resource, { signal }));
  if (lease === null || lease.holder === null) {
    if (json) printJson({ resource, released: false, holder: null, term: lease?.term, token: lease?.token });
    else
      print(`Nobody holds the lease of "${resource}" in ${storeName(store)}: there is nothing to release.`);
    return;
  }
  const { holder, term, token } = lease;
  if (!options.yes) await confirm(lease, storeName(store));
  const released = await releaseExactly(leases, lease);
  if (json) printJson({ resource, released, holder, term, token });
  else if (released)
    print(`Released "${resource}" for ${holder} (term ${term}, token ${token}). The others were told.`);
  if (released) return;
  if (!json) printError(`The lease of "${resource}" changed hands meanwhile; nothing was done. Look again.`);
  process.exitCode = EXIT.failure;
}

/**
 * Only one that was named, for a guess could be somebody else's.
 *
 * @throws SettingsError with everything that is wrong, if it is not said whose lease, or if the key is that of another
 */
export async function leaseMeant(options: SettingOptions) {
  const flags: readonly SettingOption[] = ['keyPrefix', 'lockKey', 'resource', 'store'];
  const given = await givenSettings(options, { flags, withoutStore: true });
  const { leaderElection, store } = given.settings;
  const [resource, lockKey] = ['resourceName', 'lockKey'].map((name) =>
    given.origins.get(`leaderElection.${name}`),
  );
  if (leaderElection.lockKey !== null && resource?.layer === 'flag' && lockKey?.layer !== 'flag')
    throw new SettingsError(
      'SETTINGS_INVALID',
      `--resource names ${leaderElection.resourceName}, but the key ${leaderElection.lockKey} comes from ${showOrigin(lockKey ?? { layer: 'default' })}, and a whole key is that of one resource. Name its key by --lock-key, or leave --resource out.`,
    );
  if (isGiven(given, 'leaderElection.resourceName') && store.connection !== null)
    return {
      resource: leaderElection.resourceName,
      store: store.connection.text,
      keys: keysOfLease(leaderElection),
    };
  throw new SettingsError(
    'SETTINGS_INVALID',
    'Whose lease, and in which store? Name both by --resource and --store, or the settings of the members by --config.',
  );
}

function refuseWithoutForce({ force }: ReleaseOptions, resource: string, store: string): void {
  if (force !== true)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `A leader that lives hands over by itself: conclave resign --resource ${resource}. If it is dead, --force takes its lease; if it only seems to be, two may lead until it renews next.`,
    );
  const path = storePath(store);
  if (store === 'memory' || (path !== null && !existsSync(path)))
    throw new SettingsError(
      'SETTINGS_INVALID',
      path === null
        ? 'The store is memory, which only its own process can reach.'
        : `There is no store ${path}; nobody competes there.`,
    );
}

/** Only the lease that was looked at: one that changed hands since is another's. */
async function releaseExactly(leases: LeaseStore, { resource, holder, token }: LeaseView): Promise<boolean> {
  const { released } = await inTime((signal) =>
    leases.release({ resource, id: holder ?? '', token }, { signal }),
  );
  return released;
}

/** @throws SettingsError if nobody can be asked, or says no */
async function confirm(lease: LeaseView, store: string): Promise<void> {
  const risk = riskOf(lease, store);
  if (!process.stdin.isTTY)
    throw new SettingsError('SETTINGS_INVALID', `${risk} Nobody can be asked here: confirm by --yes.`);
  using terminal = createInterface({ input: process.stdin, output: process.stderr });
  const answer = await terminal.question(`${risk}\nRelease it? [y/N] `);
  if (!/^y(es)?$/i.test(answer.trim())) throw new SettingsError('SETTINGS_INVALID', 'Not released.');
}

function riskOf({ resource, holder, term, token, leaseMs, remainingMs }: LeaseView, store: string): string {
  const ends =
    remainingMs === 0 ? 'has ended' : `ends by itself in ${formatDuration(remainingMs)} unless it is renewed`;
  return `The lease of "${resource}" in ${store} is held by ${holder} (term ${term}, token ${token}) and ${ends}. If ${holder} lives, it leads for up to ${formatDuration(leaseMs)} beside the next one.`;
}

/** @throws StoreUnavailableError if the store does not answer */
async function inTime<T>(call: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const patience = new AbortController();
  const timer = systemClock.setTimeout(() => patience.abort(), CALL_TIMEOUT_MS);
  try {
    return await call(patience.signal);
  } catch (error) {
    if (error instanceof ConclaveError || !patience.signal.aborted) throw error;
    throw new ConclaveError('STORE_UNAVAILABLE', `The store did not answer within ${CALL_TIMEOUT_MS} ms.`, {
      cause: error,
    });
  } finally {
    systemClock.clearTimeout(timer);
  }
}
