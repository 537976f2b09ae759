/**
 * The rings, as a table: who may import what, and which files may reach for a clock, a timer or randomness.
 *
 * `machines/` decides and is pure; `src/` acts; the entry points only wire. That is what makes a chart open in
 * Stately as it is, a journal replay without effects, and a simulation own its time completely. It holds only as
 * long as nobody takes a short cut, so the linter refuses the short cut and says which way is open.
 *
 * Paths are relative to the package's root, with forward slashes.
 */

/** A refusal: what is wrong and the way out, in one sentence. `undefined` means allowed. */
export type Refusal = string | undefined;

interface Ring {
  /** Which files this row speaks of. */
  readonly files: RegExp;
  /** The project's own files they may import. */
  readonly ownFiles: RegExp;
  /** The packages they may import; without it, any. */
  readonly packages?: RegExp;
  readonly because: string;
}

const rings: readonly Ring[] = [
  {
    files: /^machines\//,
    ownFiles: /^machines\//,
    packages: /^xstate(\/|$)/,
    because: 'charts are pure: machines/ imports xstate and its own neighbours, nothing else',
  },
  {
    files: /^src\/(runtime|journal)\//,
    ownFiles: /^src\/(runtime|journal|errors\.ts$)/,
    because:
      'src/runtime and src/journal know nothing of leases, configuration or the charts; take it as a parameter',
  },
  {
    files: /^src\/(?!cli\/)/,
    ownFiles: /^(machines\/|src\/(?!cli\/))/,
    because: 'the library knows nothing of the command line, the tests or the examples',
  },
  {
    files: /^src\/cli\//,
    ownFiles: /^(machines|src)\//,
    because: 'shipped code does not import tests, benches, examples or the linter',
  },
];

/**
 * Adapters: what talks to a particular product. Only entry points, and adapters themselves, may know them. The
 * simulator's models of products talk to nothing.
 */
const adapter =
  /^src\/(?!simulation\/)(redis\/|sqlite\/|server\/|(.+\/)?(sqlite|redis|postgres|kubernetes|etcd|consul)-[^/]+\.ts$)/;
const adapterImporter = /^(src\/cli|test|bench|examples)\//;

/** Packages that load only where they are needed, so that importing the library costs its users nothing else. */
const confinedPackages: readonly { readonly packages: RegExp; readonly to: RegExp }[] = [
  { packages: /^(commander|pino)(\/|$)/, to: /^src\/cli\// },
  { packages: /^ioredis(\/|$)/, to: /^src\/(redis\/|(.+\/)?redis-)/ },
  { packages: /^node:sqlite$/, to: /^src\/(sqlite\/|(.+\/)?sqlite-)/ },
  { packages: /^(hono|@hono\/.+)(\/|$)/, to: /^src\/server\// },
  { packages: /^@opentelemetry\/(?!api(\/|$))/, to: /^src\/observability\// },
];

/** Whether `importer` may import the project's own file `target`; `entryPoints` are what package.json exports. */
export function refuseOwnFile(importer: string, target: string, entryPoints: readonly string[]): Refusal {
  const ring = rings.find((each) => each.files.test(importer));
  if (ring !== undefined && !ring.ownFiles.test(target)) return `${ring.because}.`;
  const mayKnowAdapters =
    adapter.test(importer) ||
    adapterImporter.test(importer) ||
    // An entry point of a ring that has its own row (src/runtime/index.ts) is not one that wires.
    (entryPoints.includes(importer) && /^src\/[^/]+\.ts$/.test(importer));
  if (adapter.test(target) && !mayKnowAdapters) {
    return `${target} is an adapter: only entry points, src/cli and adapters beside it import it; take its port instead.`;
  }
  return undefined;
}

/** Whether `importer` may import the package (or Node module) `specifier`. */
export function refusePackage(importer: string, specifier: string): Refusal {
  const ring = rings.find((each) => each.files.test(importer));
  if (ring?.packages !== undefined && !ring.packages.test(specifier)) return `${ring.because}.`;
  const confined = confinedPackages.find((each) => each.packages.test(specifier));
  if (ring !== undefined && confined !== undefined && !confined.to.test(importer)) {
    return `${specifier} loads only in files that match ${confined.to.source}; importing the library must not load it.`;
  }
  return undefined;
}

/** The two files that turn the clock and randomness ports into the real thing. */
const systemFiles = new Set(['src/runtime/system-clock.ts', 'src/runtime/system-randomness.ts']);

/** How strictly a file is kept from ambient time and randomness; tests, benches and examples are not. */
export function ambientStrictness(file: string): 'pure' | 'ports' | 'free' {
  if (file.startsWith('machines/')) return 'pure';
  return file.startsWith('src/') && !systemFiles.has(file) ? 'ports' : 'free';
}

/** All a chart may use of what the language has: values in, values out. */
export const pureGlobals: ReadonlySet<string> = new Set(
  (
    'undefined NaN Infinity Math Number BigInt String Boolean Symbol Object Array Map Set WeakMap WeakSet JSON RegExp ' +
    'Error TypeError RangeError isNaN isFinite parseInt parseFloat Iterator Reflect structuredClone'
  ).split(' '),
);

/** Globals that are time or randomness whatever one does with them. */
export const ambientGlobals: ReadonlySet<string> = new Set(
  'setTimeout setInterval setImmediate clearTimeout clearInterval clearImmediate performance crypto Temporal'.split(
    ' ',
  ),
);

/** Members of otherwise harmless objects that are time or randomness. */
export const ambientMembers: Readonly<Record<string, ReadonlySet<string>>> = {
  Date: new Set(['now']),
  Math: new Set(['random']),
  process: new Set(['hrtime', 'uptime']),
  AbortSignal: new Set(['timeout']),
};

/** The same through imports: module → names that are refused; `'*'` refuses the whole module. */
export const ambientImports: Readonly<Record<string, readonly string[]>> = {
  timers: ['*'],
  'timers/promises': ['*'],
  perf_hooks: ['performance'],
  process: ['hrtime', 'uptime'],
  crypto: 'randomUUID randomBytes randomInt randomFill randomFillSync getRandomValues webcrypto'.split(' '),
};

export const portsInstead =
  'take the Clock or Randomness port instead; only src/runtime/system-clock.ts and system-randomness.ts touch the real ones';
