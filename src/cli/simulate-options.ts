import { type Command, InvalidArgumentError } from 'commander';
import type { TimingOptions } from '../../machines/index.ts';
import { resolveTimingOptions } from '../election/options.ts';
import { SettingsError } from '../errors.ts';
import { chooseFaults, storeKind, STORE_KINDS, type FixedOptions } from '../simulation/index.ts';
import { MEMBERS_MAX } from '../simulation/simulate-election.ts';
import { parseDuration, parsePositiveDuration } from './duration.ts';

/** What `conclave simulate` is given. */
export interface SimulateOptions {
  readonly seed: number;
  readonly seeds?: number;
  readonly store: string;
  readonly nodes?: number;
  readonly for?: number;
  readonly faults: 'all' | 'none' | readonly string[];
  readonly faultEvery?: number;
  readonly only?: ReadonlySet<number>;
  readonly lease?: number;
  readonly renew?: number;
  readonly grace?: number;
  readonly mutant?: string;
  readonly threads?: number;
  readonly dir: string;
  readonly json?: true;
}

const DEFAULT_STORE = 'redis';
export const SIMULATION_DIRECTORY = '.conclave/simulation';

export function addSimulateOptions(command: Command): Command {
  return command
    .option('--seed <number>', 'which run, or the first of several', wholeNumber('a seed', 0, 2 ** 32), 1)
    .option(
      '--seeds <number>',
      'how many runs, one seed after the other',
      wholeNumber('seeds', 1, 10_000_000),
    )
    .option('--store <kind>', `which store: ${STORE_KINDS.map(({ name }) => name).join(', ')}`, DEFAULT_STORE)
    .option('--nodes <number>', 'how many members (default: drawn)', wholeNumber('nodes', 1, MEMBERS_MAX))
    .option(
      '--for <duration>',
      'how long faults happen, in simulated time (default: drawn)',
      parsePositiveDuration,
    )
    .option('--faults <names>', 'all, none, or some by name, separated by commas', parseFaults, 'all')
    .option(
      '--fault-every <duration>',
      'mean time between faults, all equally likely (default: drawn)',
      parsePositiveDuration,
    )
    .option('--only <numbers>', 'of the planned faults only those with these numbers', parseNumbers)
    .option(
      '--lease <duration>',
      'how long a term lasts without a renewal (default: drawn)',
      parsePositiveDuration,
    )
    .option(
      '--renew <duration>',
      'how often it is renewed (default: a third of --lease)',
      parsePositiveDuration,
    )
    .option('--grace <duration>', "the others' extra wait after an expiry (default: 0s)", parseDuration)
    .option('--mutant <name>', 'with a planted bug, which the simulation is to find')
    .option(
      '--threads <number>',
      'for --seeds (default: one a core, 4 at most)',
      wholeNumber('threads', 1, 64),
    )
    .option('--dir <path>', 'where the journals of a run that fails go', SIMULATION_DIRECTORY);
}

/** @throws SettingsError for unknown names and unsafe timings */
export function fixedOptions(options: SimulateOptions): FixedOptions {
  const { store, nodes, faults, faultEvery } = options;
  const timings = timingsOf(options);
  if (timings !== undefined) resolveTimingOptions(timings);
  return {
    nodes,
    forMs: options.for,
    timings,
    faults: chooseFaults(storeKind(store), faults),
    faultEveryMs: faultEvery,
  };
}

function timingsOf({ lease, renew, grace }: SimulateOptions): TimingOptions | undefined {
  if (lease === undefined && renew === undefined && grace === undefined) return undefined;
  if (lease === undefined)
    throw new SettingsError(
      'SETTINGS_INVALID',
      '--renew and --grace need --lease, which is drawn otherwise.',
    );
  return {
    leaseDurationMs: lease,
    ...(renew !== undefined && { renewIntervalMs: renew }),
    ...(grace !== undefined && { gracePeriodMs: grace }),
  };
}

/** The command line that fixes what is fixed here, without the seed. */
export function commandLine(options: SimulateOptions): string {
  const { store, nodes, faults, faultEvery, lease, renew, grace, mutant } = options;
  const given: readonly (readonly [string, string | undefined])[] = [
    ['store', store === DEFAULT_STORE ? undefined : store],
    ['nodes', nodes?.toString()],
    ['for', inMs(options.for)],
    ['faults', typeof faults === 'string' ? (faults === 'all' ? undefined : faults) : faults.join(',')],
    ['fault-every', inMs(faultEvery)],
    ['lease', inMs(lease)],
    ['renew', inMs(renew)],
    ['grace', inMs(grace)],
    ['mutant', mutant],
  ];
  return given.map(([name, value]) => (value === undefined ? '' : ` --${name} ${value}`)).join('');
}

const inMs = (ms: number | undefined): string | undefined => (ms === undefined ? undefined : `${ms}ms`);

function wholeNumber(what: string, least: number, most: number): (text: string) => number {
  return (text) => {
    const value = Number(text);
    if (text.trim() !== '' && Number.isInteger(value) && value >= least && value <= most) return value;
    throw new InvalidArgumentError(`It must be a whole number of ${what} between ${least} and ${most}.`);
  };
}

function parseFaults(text: string): SimulateOptions['faults'] {
  const names = text
    .split(',')
    .map((name) => name.trim())
    .filter((name) => name !== '');
  if (names.length === 0) throw new InvalidArgumentError('Write all, none, or names separated by commas.');
  const [first = 'all'] = names;
  return names.length === 1 && (first === 'all' || first === 'none') ? first : names;
}

function parseNumbers(text: string): ReadonlySet<number> {
  const parts = text.split(',').filter((part) => part.trim() !== '');
  const numbers = parts.map(Number);
  if (numbers.every((n) => Number.isInteger(n) && n >= 0)) return new Set(numbers);
  throw new InvalidArgumentError('Write numbers of faults separated by commas, for example 3,17.');
}
