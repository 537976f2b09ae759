/** Prints docs/trust.md from docs/trust.json: `npm run generate`. */
import { format, resolveConfig } from 'prettier';
import { fileURLToPath } from 'node:url';
import { formatDuration } from '../src/cli/duration.ts';
import { percentile, type Totals } from '../src/simulation/totals.ts';
import { INVARIANTS } from '../src/simulation/violation.ts';
import { trackRecord } from './track-record.ts';
import { allTotals, type TrustRecord } from './trust-record.ts';

type Rows = readonly (readonly (string | number)[])[];

const HOUR_MS = 3_600_000;
const whole = (value: number): string => Math.round(value).toLocaleString('en-US').replaceAll(',', ' ');
const table = (head: readonly string[], rows: Rows): string =>
  [head, head.map(() => '---'), ...rows].map((row) => `| ${row.join(' | ')} |`).join('\n');
const byCount = (counts: Readonly<Record<string, number>>) =>
  Object.entries(counts).toSorted(([a, x], [b, y]) => y - x || (a < b ? -1 : 1));

/** The page as it must be. */
export async function trustPage(record: TrustRecord): Promise<string> {
  const all = allTotals(record);
  const page = [
    '# Why to trust it',
    '<!-- Made from docs/trust.json by `npm run generate`; `npm run simulate:trust` adds to it. Do not edit. -->',
    `The shipped election ran ${whole(all.simulatedMs / HOUR_MS)} simulated hours on ${whole(all.seeds)} clusters, each another one, under ${whole(sum(all.faults))} faults and through ${whole(all.elections)} elections. After each of ${whole(all.steps)} steps every promise was checked; ${broken(all)}. Last run by ${record.by}. How it works: [simulation.md](simulation.md).`,
    '## What is checked',
    Object.values(INVARIANTS)
      .map((promise) => `- ${promise}.`)
      .join('\n'),
    '## Campaigns',
    campaignTable(record),
    `With faults over, a leader was there within ${formatDuration(percentile(all.recoveries, 0.5))} in half of all runs, within ${formatDuration(percentile(all.recoveries, 0.99))} in 99 of 100, within ${formatDuration(all.recoveries.maxMs)} always. Waits after a loss of data are part of that.`,
    '## Planted bugs',
    'Each is the shipped code with one rule taken out. One that survived would mean that nobody looks there; the check fails then. How many seeds it takes says how many would have to pass after a repair to believe in it.',
    huntTable(record),
    '## What happened how often',
    'A campaign fails if something that it is meant to try never happened.',
    table(
      ['fault', 'times'],
      byCount(all.faults).map(([name, count]) => [name, whole(count)]),
    ),
    table(
      ['event', 'times'],
      byCount(all.sometimes).map(([name, count]) => [name, whole(count)]),
    ),
    '## Exhaustive exploration',
    'Breadth first over the real chart and the real protocol: every order of what the members and the store can do.',
    table(
      ['setting', 'states', 'transitions', 'all of them'],
      record.explorations.map(({ title, states, transitions, closed }) => [
        title,
        whole(states),
        whole(transitions),
        closed ? 'yes' : 'no, as far as memory goes',
      ]),
    ),
    '## What is assumed',
    ASSUMPTIONS,
    '## Track record',
    'Bugs of this library, and what found them.',
    table(
      ['bug', 'found by', 'held by'],
      trackRecord.map(({ bug, foundBy, heldBy }) => [bug, foundBy, `\`${heldBy}\``]),
    ),
  ].join('\n\n');
  const filepath = fileURLToPath(new URL('../docs/trust.md', import.meta.url));
  return format(page, { ...(await resolveConfig(filepath)), filepath });
}

const ASSUMPTIONS = `- Clocks run at the same rate within 1 % between any two: the simulation draws ± 0.5 % for each member and each server. What they show is of no matter.
- A process may stand still for any time, at any point. Between looking at \`isLeader\` and acting it may do so, too: that is what tokens are for, and the simulated resource checks them.
- Redis keeps the promises across failovers only with acknowledged writes (\`redis-replicated\`). \`redis-async\` is what happens without: the model says when such a limit was passed, and what broke then is counted as \`limit-…\`, not as a failure.
- A server's clock that steps forward may end a lease early for a member that starts after it and has seen nothing.
- A simulation proves nothing that its models leave out. Contract suites hold the models equal to the real products, and the tests with real servers and real faults look at the rest.`;

function broken({ failures }: Totals): string {
  if (failures.length === 0) return 'none ever broke';
  return `**${failures.length} seeds broke one** (first: seed ${failures[0]?.seed}, ${failures[0]?.invariant})`;
}

function campaignTable({ campaigns }: TrustRecord): string {
  const rows = Object.entries(campaigns).map(([store, { totals, lastSeed }]) => [
    store,
    `1 – ${lastSeed}`,
    whole(totals.simulatedMs / HOUR_MS),
    whole(totals.elections),
    whole(sum(totals.faults)),
    formatDuration(percentile(totals.gaps, 0.5)),
    formatDuration(percentile(totals.gaps, 0.99)),
    `${whole(totals.journals)} streams`,
    totals.failures.length,
    totals.digest.toString(16).padStart(8, '0'),
  ]);
  const head = ['store', 'seeds', 'hours', 'elections', 'faults', 'gap p50', 'gap p99', 'journals replayed'];
  const legend =
    'A gap is a time without a leader; runs are harsher than life, with a fault in every other lease. The digest covers every record of every run: the same code gives the same.';
  return `${table([...head, 'failures', 'digest'], rows)}\n\n${legend}`;
}

function huntTable({ hunts }: TrustRecord): string {
  const rows = Object.entries(hunts)
    .toSorted(([, a], [, b]) => a.seeds / a.tries - b.seeds / b.tries)
    .map(([name, { store, planted, tries, found, seeds }]) => [
      `\`${name}\``,
      planted,
      store,
      `${found} of ${tries}`,
      Number((seeds / tries).toPrecision(2)),
    ]);
  return table(['bug', 'what is planted', 'store', 'found', 'mean seeds'], rows);
}

function sum(counts: Readonly<Record<string, number>>): number {
  return Object.values(counts).reduce((all, count) => all + count, 0);
}
