import { mkdtempSync, rmSync } from 'node:fs';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { Cluster } from '../../src/cli/demo/cluster.ts';
import { type Failover, type FaultKind, inflict } from '../../src/cli/demo/faults.ts';
import { table } from '../../src/cli/output.ts';

/**
 * How long a failover takes among three real processes on the embedded store: from SIGTERM to the leader until the
 * next term begins, and after kill -9 how much longer than what was left of the lease. Times are monotonic, taken by
 * the processes themselves at the event.
 *
 * Goals: hand-over p99 ≤ 50 ms, kill -9 p99 ≤ 250 ms beyond the lease.
 */

const { values } = parseArgs({
  options: {
    handovers: { type: 'string', default: '30' },
    kills: { type: 'string', default: '30' },
    lease: { type: 'string', default: '1000' },
  },
});
const leaseMs = Number(values.lease);

/** The value that a share `q` of all does not exceed. */
function quantile(sorted: readonly number[], q: number): number {
  return sorted[Math.min(sorted.length - 1, Math.ceil(q * sorted.length) - 1)] ?? Number.NaN;
}

async function measure(kind: FaultKind, times: number): Promise<readonly Failover[]> {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-bench-'));
  const failovers: Failover[] = [];
  {
    await using cluster = new Cluster({ directory, resource: 'bench', members: 3, leaseMs });
    await cluster.start();
    for (let n = 0; n < times; n += 1) failovers.push(await inflict(cluster, kind));
  }
  // Not after a failure: logs and journals say what happened.
  rmSync(directory, { recursive: true, force: true });
  return failovers;
}

function row(what: string, failovers: readonly Failover[], goalMs: number): (string | number)[] {
  const late = failovers.map(({ lateMs }) => lateMs).toSorted((a, b) => a - b);
  const cells = [0.5, 0.9, 0.99].map((q) => Number(quantile(late, q).toFixed(1)));
  return [what, late.length, ...cells, Number((late.at(-1) ?? Number.NaN).toFixed(1)), goalMs];
}

const handovers = await measure('handover', Number(values.handovers));
const kills = await measure('kill', Number(values.kills));

const command = ['npm run bench:failover --', ...process.argv.slice(2)].join(' ').replace(/ --$/, '');
console.log(`$ ${command}`);
console.log(
  `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, lease ${leaseMs} ms; milliseconds`,
);
console.log('');
for (const line of table([
  ['', 'n', 'p50', 'p90', 'p99', 'max', 'goal p99'],
  row('SIGTERM until the next leads', handovers, 50),
  row('kill -9 until the next leads, beyond the lease', kills, 250),
]))
  console.log(line);
