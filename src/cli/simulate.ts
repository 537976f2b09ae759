import { createWriteStream, mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { finished } from 'node:stream/promises';
import type { Command } from 'commander';
import { exportJournal } from '../journal/jsonl-export.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { checkJournals, runCampaign, runSeed, shrink, storeKind } from '../simulation/index.ts';
import type { CampaignResult, JournalCheck, RunRequest, RunResult } from '../simulation/index.ts';
import { REACH_SEEDS, unreached } from '../simulation/must-reach.ts';
import { mutantCalled } from '../simulation/portion.ts';
import { totalsOf } from '../simulation/totals.ts';
import { formatDuration } from './duration.ts';
import { addCommand, EXIT, print, printError, printJson } from './output.ts';
import { addSimulateOptions, commandLine, fixedOptions, type SimulateOptions } from './simulate-options.ts';
import {
  faultLine,
  printJournals,
  printOptions,
  printTotals,
  runAsJson,
  totalsAsJson,
  violationAsJson,
} from './simulate-report.ts';

async function simulate(options: SimulateOptions): Promise<void> {
  const held = options.seeds === undefined ? await runOne(options) : await runMany(options, options.seeds);
  // A planted bug is there to be found.
  const asExpected = options.mutant === undefined ? held : !held;
  process.exitCode = asExpected ? EXIT.ok : EXIT.failure;
}

function requestOf(options: SimulateOptions, seed: number): RunRequest {
  const { store, mutant, only } = options;
  return {
    seed,
    store: storeKind(store),
    fixed: fixedOptions(options),
    mutant: mutant === undefined ? undefined : mutantCalled(mutant),
    only,
  };
}

async function runOne(options: SimulateOptions): Promise<boolean> {
  const request = requestOf(options, options.seed);
  const { json, store } = options;
  const run = await runSeed(request);
  const journals = run.violation === null ? await checkJournals(run) : null;
  const violation = run.violation ?? journals?.violation ?? null;
  const told = { ...run, violation };
  const totals = totalsOf(told, journals?.streams ?? 0);
  const failure = violation === null ? null : await explain(options, request, told);
  if (json)
    printJson({
      store,
      ...runAsJson(told, totals),
      ...(journals !== null && { journalsDigest: journals.digest }),
      ...(failure !== null && { shrunk: failure }),
    });
  else {
    printOptions(run.options, store);
    print('What happened');
    printTotals(totals, run.options.faultyMs);
    if (journals !== null) printJournals(journals satisfies JournalCheck);
    print(
      violation === null
        ? `Every promise held in each of ${run.steps} steps (digest ${run.digest}).`
        : `After ${(violation.atMs / 1000).toFixed(3)} s a promise broke. ${violation.message}`,
    );
    if (failure !== null) printFailure(failure);
  }
  return violation === null;
}

async function runMany(options: SimulateOptions, seeds: number): Promise<boolean> {
  const { store, seed, json, mutant, threads } = options;
  const kind = storeKind(store);
  if (mutant !== undefined) mutantCalled(mutant);
  const began = systemClock.monotonicMs();
  const result = await runCampaign({
    store,
    fixed: fixedOptions(options),
    firstSeed: seed,
    seeds,
    mutant,
    all: mutant === undefined,
    threads,
  });
  const tookMs = systemClock.monotonicMs() - began;
  const complete = options.faults === 'all' && mutant === undefined && result.seeds >= REACH_SEEDS;
  const missing = complete ? unreached(kind, result) : [];
  const { failure } = result;
  const told = failure === null ? null : await explainSeed(options, requestOf(options, failure.seed));
  if (json) printJson({ store, tookMs, ...totalsAsJson(result), missing, shrunk: told });
  else printMany(options, result, missing, tookMs);
  if (told !== null && !json) printFailure(told);
  return failure === null && missing.length === 0;
}

function printMany(
  { seed, store }: SimulateOptions,
  result: CampaignResult,
  missing: readonly string[],
  tookMs: number,
): void {
  const { seeds, failures, steps, simulatedMs } = result;
  print(`Seeds ${seed} to ${seed + seeds - 1} over ${store}, in ${formatDuration(tookMs)}`);
  printTotals(result, simulatedMs);
  const rare = Object.entries(result.sometimes).toSorted(([, a], [, b]) => a - b);
  print(`  sometimes         ${rare.map(([what, count]) => `${what} ${count}`).join(', ')}`);
  for (const { seed: failing, message } of failures.slice(0, 20)) print(`Seed ${failing}: ${message}`);
  if (missing.length > 0) print(`Never happened, though it is meant to: ${missing.join(', ')}.`);
  if (failures.length === 0) print(`Every promise held in each of ${steps} steps.`);
  else print(`${failures.length} of ${seeds} seeds broke a promise.`);
}

/** A failing run in short. */
interface Failure {
  readonly violation: ReturnType<typeof violationAsJson>;
  readonly faults: readonly string[];
  readonly runs: number;
  readonly file: string | null;
  readonly replay: string;
}

async function explainSeed(options: SimulateOptions, request: RunRequest): Promise<Failure | null> {
  const run = await runSeed(request);
  const violation = run.violation ?? (await checkJournals(run)).violation;
  return violation === null ? null : explain(options, request, { ...run, violation });
}

/** Finds the few faults that matter, and keeps the journals of the run that has them alone. */
async function explain(
  options: SimulateOptions,
  request: RunRequest,
  failing: RunResult,
): Promise<Failure | null> {
  if (failing.violation === null) return null;
  const { faults, result, runs } = await shrink(request, failing);
  const file = await keepJournals(options, result);
  const only = faults.length === 0 ? '' : ` --only ${faults.map(({ id }) => id).join(',')}`;
  const none = faults.length === 0 ? ' --faults none' : '';
  return {
    violation: violationAsJson(result.violation ?? failing.violation),
    faults: faults.map(faultLine),
    runs,
    file,
    replay: `conclave simulate --seed ${request.seed}${commandLine(options)}${only}${none}`,
  };
}

async function keepJournals({ dir, store }: SimulateOptions, run: RunResult): Promise<string | null> {
  const path = join(dir, `${store}-seed-${run.seed}.jsonl`);
  try {
    mkdirSync(dir, { recursive: true });
    const file = createWriteStream(path);
    await exportJournal(run.journals, (chunk) => void file.write(chunk));
    file.end();
    await finished(file);
    return path;
  } catch (error) {
    printError(`The journals of seed ${run.seed} could not be kept in ${path}: ${String(error)}`);
    return null;
  }
}

function printFailure({ violation, faults, runs, file, replay }: Failure): void {
  print(`Shrunk in ${runs} runs to ${faults.length} faults:`);
  for (const fault of faults) print(`  ${fault}`);
  print(`  then, after ${(violation.atMs / 1000).toFixed(3)} s: ${violation.message}`);
  if (file !== null) print(`Journals of this run: ${file} (conclave journal log ${file})`);
  print(`Again: ${replay}`);
}

export function register(program: Command): void {
  const command = addCommand(program, {
    usage: 'simulate',
    summary: 'try elections under faults, hours of them in a second, from a seed',
    description:
      'Runs the shipped election under faults in simulated time: clocks that drift and jump, networks that lose and repeat, processes that freeze and die, stores that lose data. A seed decides everything, so that a run that fails can be run again. What --nodes, --for, --lease and the like do not fix is drawn from the seed.',
    examples: [
      ['conclave simulate --nodes 5 --seed 1 --for 24h', 'a day of five members'],
      ['conclave simulate --seeds 2000', 'many clusters, each another one'],
      [
        'conclave simulate --for 24h --fault-every 20m --lease 10s --faults crash,cut',
        'your timings, your faults',
      ],
    ],
    exitCodes: {
      0: 'every promise held (with --mutant: the planted bug was found)',
      1: 'a promise broke, or something was never tried (with --mutant: the bug was not found)',
    },
  });
  addSimulateOptions(command).action(simulate);
}
