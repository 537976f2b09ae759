/** What docs/trust.json holds: totals of all campaigns that were ever run for it. They add up. */
import { readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { format, resolveConfig } from 'prettier';
import { addTotals, emptyTotals, type Totals } from '../src/simulation/totals.ts';

export interface TrustRecord {
  /** What ran last: versions of the package, of xstate and of Node. */
  readonly by: string;
  /** By kind of store. */
  readonly campaigns: Readonly<Record<string, Campaigned>>;
  /** By planted bug. */
  readonly hunts: Readonly<Record<string, Hunted>>;
  readonly explorations: readonly Explored[];
}

export interface Campaigned {
  /** Seeds from 1 to this one have run. */
  readonly lastSeed: number;
  readonly totals: Totals;
}

export interface Hunted {
  readonly store: string;
  readonly planted: string;
  /** How often it was looked for, each time from another seed on, and how many seeds that took in all. */
  readonly tries: number;
  readonly found: number;
  readonly seeds: number;
}

export interface Explored {
  readonly title: string;
  readonly states: number;
  readonly transitions: number;
  readonly closed: boolean;
}

const FILE = new URL('../docs/trust.json', import.meta.url);

const EMPTY: TrustRecord = { by: '', campaigns: {}, hunts: {}, explorations: [] };

export function readTrust(): TrustRecord {
  try {
    return JSON.parse(readFileSync(FILE, 'utf8')) as TrustRecord;
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return EMPTY;
    throw error;
  }
}

export async function writeTrust(record: TrustRecord): Promise<void> {
  const filepath = fileURLToPath(FILE);
  writeFileSync(FILE, await format(JSON.stringify(record), { ...(await resolveConfig(filepath)), filepath }));
}

/** All campaigns together. */
export function allTotals({ campaigns }: TrustRecord): Totals {
  return Object.values(campaigns).reduce((sum, { totals }) => addTotals(sum, totals), emptyTotals());
}
