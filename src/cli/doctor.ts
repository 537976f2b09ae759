import type { Command } from 'commander';
import { SettingsError } from '../errors.ts';
import { checkRedis, type RedisCheckup } from '../redis/check-redis.ts';
import type { RedisFinding } from '../redis/doctor-findings.ts';
import {
  addConfigOption,
  addKeyOptions,
  givenSettings,
  LEASE_OPTIONS,
  type SettingOptions,
} from './given-settings.ts';
import { keysOfLease } from './lease-stores.ts';
import { addCommand, EXIT, print, printJson } from './output.ts';

interface DoctorOptions extends SettingOptions {
  readonly json?: true;
}

/** Between what is well and what fails: scripts may let it pass. */
const DOUBTS = 3;

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'doctor',
    summary: 'look whether a Redis can keep what leases promise',
    description:
      'Asks the server for everything that leases depend on: eviction, persistence, replicas and failover, the rights\n' +
      'of the user, the keys, its clock, round trips. Changes nothing. What cannot be asked is said.\n' +
      'Which Redis, and what for, come from the settings of the members, unless flags say otherwise.',
    examples: [
      ['conclave doctor --config /etc/conclave/conclave.hcl', 'the Redis of these members, as they use it'],
      ['conclave doctor --store redis://redis.internal', 'with the default lease of 15s'],
      ['conclave doctor --store redis://redis.internal --lease 5s --wait-replicas 1', 'as members are run'],
      ['conclave doctor --store "$REDIS" --json', 'for a script: look at the exit code'],
    ],
    exitCodes: {
      0: 'nothing worse than a note',
      1: 'a danger: a promise does not hold there, nobody could lead, or there is no connection',
      3: 'no danger, but warnings, or something could not be asked',
    },
  });
  addConfigOption(command)
    .option('--store <store>', 'the Redis: a connection string')
    .option('--resource <name>', 'whose lease is looked at (default: the package name, else "default")');
  addKeyOptions(command)
    .option('--lease <duration>', 'how long a term is to last without a renewal (default: 15s)')
    .option('--renew <duration>', 'how often it is to be renewed (default: a third of it)')
    .option('--wait-replicas <n>', 'how many replicas members wait for (default: 0)')
    .action(doctor);
}

async function doctor(options: DoctorOptions): Promise<void> {
  const { settings } = await givenSettings(options, { flags: LEASE_OPTIONS, withoutStore: true });
  const { leaderElection, store } = settings;
  if (store.connection === null)
    throw new SettingsError(
      'SETTINGS_INVALID',
      'No Redis is given. Give its connection string by --store, or name the settings of the members by --config.',
    );
  if (store.kind !== 'redis')
    throw new SettingsError(
      'SETTINGS_INVALID',
      `The store is ${store.name}, but only a Redis can be asked. The embedded stores check their files when they are opened.`,
    );
  const checkup = await checkRedis(store.connection.text, {
    resource: leaderElection.resourceName,
    leaseDurationMs: leaderElection.leaseDurationMs,
    renewIntervalMs: leaderElection.renewIntervalMs,
    waitReplicas: store.waitReplicas,
    ...keysOfLease(leaderElection),
  });
  const { exitCode, verdict } = verdictOf(checkup);
  if (options.json) printJson({ ...checkup, verdict });
  else print(page(checkup));
  process.exitCode = exitCode;
}

function verdictOf({ findings }: RedisCheckup): { readonly exitCode: number; readonly verdict: string } {
  const has = (...severities: readonly RedisFinding['severity'][]) =>
    findings.some(({ severity }) => severities.includes(severity));
  if (has('danger')) return { exitCode: EXIT.failure, verdict: 'danger' };
  return has('warning', 'unknown')
    ? { exitCode: DOUBTS, verdict: 'doubts' }
    : { exitCode: EXIT.ok, verdict: 'well' };
}

function page({ location, resource, findings }: RedisCheckup): string {
  const width = Math.max(...findings.map(({ check }) => check.length));
  const sections = findings.map((finding) => section(finding, width));
  return [`Redis at ${location}, for leases of "${resource}"`, '', ...sections, '', sum(findings)].join('\n');
}

/** What is well takes one line. */
function section({ check, severity, seen, why, cure }: RedisFinding, width: number): string {
  const head = `${severity.padEnd(7)}  ${check.padEnd(width)}  ${seen}`;
  const indent = ' '.repeat(7 + 2 + width + 2);
  if (severity === 'ok') return head;
  return [head, `${indent}${why}`, ...(cure === null ? [] : [`${indent}→ ${cure}`])].join('\n');
}

function sum(findings: readonly RedisFinding[]): string {
  const count = (severity: RedisFinding['severity']) =>
    findings.filter((finding) => finding.severity === severity).length;
  const parts = [
    [count('danger'), 'danger', 'dangers'],
    [count('warning'), 'warning', 'warnings'],
    [count('unknown'), 'could not be asked', 'could not be asked'],
    [count('note'), 'note', 'notes'],
    [count('ok'), 'well', 'well'],
  ] as const;
  return parts
    .filter(([n]) => n > 0)
    .map(([n, one, many]) => `${n} ${n === 1 ? one : many}`)
    .join(', ');
}
