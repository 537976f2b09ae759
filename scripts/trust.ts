/**
 * Adds seeds to docs/trust.json and makes docs/trust.md anew: `npm run simulate:trust`. Takes minutes.
 * `--seeds N` of each kind of store (default 2000), `--hunts N` rounds through the planted bugs (default 1),
 * `--explore` to count the states of the exhaustive exploration anew, `--threads N`.
 */
import { writeFileSync } from 'node:fs';
import { parseArgs } from 'node:util';
import { formatDuration } from '../src/cli/duration.ts';
import { runtimeVersion } from '../src/runtime/identity.ts';
import { chooseFaults, huntMutants, runCampaign, STORE_KINDS } from '../src/simulation/index.ts';
import { addTotals, emptyTotals } from '../src/simulation/totals.ts';
import { explore } from '../test/machines/leadership-exploration.ts';
import { trustPage } from './trust-page.ts';
import { type Explored, readTrust, type TrustRecord, writeTrust } from './trust-record.ts';

const { values } = parseArgs({
  options: {
    seeds: { type: 'string', default: '2000' },
    hunts: { type: 'string', default: '1' },
    threads: { type: 'string' },
    explore: { type: 'boolean', default: false },
  },
});
const threads = values.threads === undefined ? undefined : Number(values.threads);

/** Each round begins its search this many seeds further on. */
const ROUND = 10_000;

async function runCampaigns(before: TrustRecord): Promise<TrustRecord> {
  const campaigns = { ...before.campaigns };
  let record = before;
  for (const kind of STORE_KINDS) {
    const { lastSeed, totals } = record.campaigns[kind.name] ?? { lastSeed: 0, totals: emptyTotals() };
    const seeds = Number(values.seeds);
    if (seeds === 0) continue;
    const fixed = { faults: chooseFaults(kind, 'all') };
    const began = performance.now();
    const result = await runCampaign({ store: kind.name, fixed, firstSeed: lastSeed + 1, seeds, threads });
    const { failure: _, ...added } = result;
    const campaigned = { lastSeed: lastSeed + seeds, totals: addTotals(totals, added) };
    campaigns[kind.name] = campaigned;
    record = { ...before, campaigns };
    console.log(`${kind.name}: ${seeds} seeds in ${formatDuration(performance.now() - began)}`);
    for (const { seed, message } of result.failures) console.log(`  seed ${seed}: ${message}`);
    await save(record);
  }
  return record;
}

async function hunt(before: TrustRecord): Promise<TrustRecord> {
  let record = before;
  for (let round = 0; round < Number(values.hunts); round++) {
    const all = new Map(Object.entries(record.hunts));
    const tries = Math.max(0, ...[...all.values()].map((each) => each.tries));
    for (const { mutant, seeds, found } of await huntMutants({ firstSeed: tries * ROUND + 1, threads })) {
      const { name, planted, store = 'redis' } = mutant;
      const so = all.get(name) ?? { tries: 0, found: 0, seeds: 0 };
      const hits = so.found + Number(found !== null);
      all.set(name, { store, planted, tries: so.tries + 1, found: hits, seeds: so.seeds + seeds });
      if (found === null) console.log(`${name} survived ${seeds} seeds from ${tries * ROUND + 1} on`);
    }
    record = Object.assign({}, record, { hunts: Object.fromEntries(all) });
    await save(record);
  }
  return record;
}

function explorations(): readonly Explored[] {
  const settings = [
    { title: 'nothing goes wrong', faults: 0, freshStore: 'trust', dataLoss: false },
    { title: 'one thing goes wrong', faults: 1, freshStore: 'trust', dataLoss: false },
    { title: 'one thing goes wrong, lost data included', faults: 1, freshStore: 'wait', dataLoss: true },
    { title: 'two things go wrong', faults: 2, freshStore: 'trust', dataLoss: false },
  ] as const;
  return settings.map((setting) => {
    const { states, transitions, closed, violation } = explore(setting, 600_000);
    if (violation !== null) throw new Error(`${setting.title}: ${violation.join(' → ')}`);
    return { title: `two members, ${setting.title}`, states, transitions, closed };
  });
}

async function save(record: TrustRecord): Promise<void> {
  const told = { ...record, by: `${runtimeVersion()} node@${process.versions.node}` };
  await writeTrust(told);
  writeFileSync(new URL('../docs/trust.md', import.meta.url), await trustPage(told));
}

let record = await hunt(await runCampaigns(readTrust()));
if (values.explore || record.explorations.length === 0) record = { ...record, explorations: explorations() };
await save(record);
