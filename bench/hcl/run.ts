/**
 * How long 10 kB of HCL take, and how that compares with HashiCorp's own parser, compiled to WebAssembly: the time of
 * the first text in a fresh process, and the median of many after it, in CPU time of the thread.
 *
 * Goal: 10 kB in less than 1 ms.
 */
import { spawnSync } from 'node:child_process';
import { createRequire } from 'node:module';
import { availableParallelism, loadavg } from 'node:os';
import { table } from '../../src/cli/output.ts';
import { hclFormat } from '../../src/config/formats/hcl-format.ts';
import { ReferenceTable } from '../../src/config/formats/references.ts';
import { SourceText } from '../../src/config/formats/source-text.ts';

const TIMES = 30;
const WARM = 5;
/** Texts in a row that are measured together: the clock of the CPU counts in steps. */
const BATCH = 20;

/** Blocks as the documentation shows them, until it is 10 kB. */
function textOf(bytes: number): string {
  let text = '';
  for (let i = 0; text.length < bytes; i += 1)
    text += `service "billing-${i}" {
  enabled = true # as long as it is needed
  lease_duration_seconds = ${30 + i}
  endpoint = "http://service-${i}.internal:${8080 + i}/v1"
  instance_id = env("POD_NAME", "pod-${i}")
  limits {
    requests = 100
    burst = 2.5
  }
  tags = ["a", "b", "service-${i}"]
}
`;
  return text.slice(0, text.lastIndexOf('}\n', bytes) + 2);
}

const text = textOf(10_240);
type Parse = (text: string) => unknown;
const contestants: Readonly<Record<string, () => Parse>> = {
  conclave: () => (each) => {
    const result = hclFormat.read(new SourceText('a.hcl', each), new ReferenceTable({ environment: {} }));
    if (result.node === null) throw new Error(result.diagnostics.map(({ message }) => message).join('\n'));
    return result;
  },
  '@cdktf/hcl2json': () => {
    const oracle = createRequire(import.meta.url)('@cdktf/hcl2json') as {
      parse(file: string, each: string): Promise<unknown>;
    };
    return (each) => oracle.parse('a.hcl', each);
  },
};

const cpuMs = (): number => {
  const { user, system } = process.threadCpuUsage();
  return (user + system) / 1000;
};

const [only] = process.argv.slice(2);
if (only !== undefined && only in contestants) {
  const first = cpuMs();
  const parse = contestants[only]?.() ?? (() => undefined);
  await parse(text);
  const firstMs = cpuMs() - first;
  const times: number[] = [];
  for (let n = 0; n < WARM + TIMES; n += 1) {
    const before = cpuMs();
    for (let each = 0; each < BATCH; each += 1) await parse(text);
    if (n >= WARM) times.push((cpuMs() - before) / BATCH);
  }
  times.sort((a, b) => a - b);
  console.log(
    JSON.stringify({ firstMs, medianMs: times[TIMES / 2], p99Ms: times[Math.floor(TIMES * 0.99)] }),
  );
} else {
  console.log('$ npm run bench:hcl');
  console.log(
    `Node ${process.version}, ${availableParallelism()} cores, load ${loadavg()[0]?.toFixed(1)}, ${text.length} bytes; milliseconds of CPU`,
  );
  console.log('');
  const rows = Object.keys(contestants).map((name) => {
    const { stdout, stderr } = spawnSync(
      process.execPath,
      [...process.execArgv, process.argv[1] ?? '', name],
      { encoding: 'utf8' },
    );
    if (stdout === '') throw new Error(stderr);
    const measured = JSON.parse(stdout) as { firstMs: number; medianMs: number; p99Ms: number };
    const cells = [measured.firstMs, measured.medianMs, measured.p99Ms].map((each) =>
      Number(each.toFixed(2)),
    );
    return [name, ...cells, name === 'conclave' ? '1' : ''];
  });
  for (const line of table([['', 'the first', 'p50', 'p99', 'goal p50'], ...rows])) console.log(line);
}
