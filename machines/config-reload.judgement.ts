import {
  CHANGED_KEYS_MAX,
  type ChangedKeys,
  type ConfigReloadContext,
  type ConfigReloadInput,
  type Diagnostic,
  DIAGNOSTICS_MAX,
  KNOWN_BAD_MAX,
  type KnownBad,
  type ReloadFailure,
  type ReloadOrder,
  type ReloadStage,
  type ReloadTimings,
  type Revision,
  type Target,
} from './config-reload.events.ts';

/**
 * What the rules of configuration reload reckon with: which findings hold for which bytes, what an order means, how
 * long to wait, what to keep. Pure functions, times in milliseconds.
 */

type Sourced = { readonly sha: string; readonly dependencies: string | null };

/** Whether what was found about some bytes holds for these; without dependencies it holds for all with that hash. */
export function covers(finding: Sourced | null, sha: string | null, dependencies: string | null): boolean {
  return finding?.sha === sha && (finding.dependencies === null || finding.dependencies === dependencies);
}

/** What was found about these bytes when they were rejected, or null. */
export function rejectedBefore(
  knownBad: readonly KnownBad[],
  { sha, dependencies }: Sourced,
): KnownBad | null {
  return knownBad.find((bad) => covers(bad, sha, dependencies)) ?? null;
}

/** What is left to wait until the file was quiet for long enough, or was waited for long enough. */
export function quietLeft(timings: ReloadTimings, order: ReloadOrder | null, at: number | null): number {
  if (order === null) return 0;
  const until = Math.min(order.at + timings.quietMs, order.since + timings.maxWaitMs);
  return Math.min(Math.max(until - (at ?? order.at), 0), timings.quietMs);
}

/** Doubles up to the limit. */
export function retryAfterMs(timings: ReloadTimings, failures: number): number {
  const doublings = Math.min(Math.max(failures - 1, 0), 30);
  return Math.min(timings.retryMs * 2 ** doublings, timings.retryMaxMs);
}

/** What an order means now. */
export function targetOf(context: ConfigReloadContext, order: ReloadOrder | null): Target {
  const { followsHead, desired } = context;
  if (order?.target) return order.target;
  return followsHead && desired
    ? { generation: desired.generation, sha: desired.sha }
    : { generation: null, sha: null };
}

/**
 * What a process that starts needs of what an earlier one recorded: a configuration that was being committed or
 * was on probation when that one ended without having been stopped counts as what killed it.
 */
export function inputAfterCrash(left: ConfigReloadContext): ConfigReloadInput {
  const { timings, onJournalFailure, followsHead, generation, applied, fallback, run } = left;
  const good = applied?.confirmed === true ? applied : fallback?.confirmed === true ? fallback : null;
  const suspects: Sourced[] = [];
  if (run?.stage === 'committing' && run.sha !== null)
    suspects.push({ sha: run.sha, dependencies: run.dependencies });
  if (applied !== null && !applied.confirmed) suspects.push(applied);
  // What came through its health watch in an earlier process is not to blame for the end of this one.
  const isGood = ({ sha, dependencies }: Sourced) =>
    left.lastGood?.sha === sha && left.lastGood.dependencies === dependencies;
  const problem = problemOf('watching', {
    code: 'CONFIG_CRASHED',
    message:
      'The process ended while this configuration was new, which counts against it. It is tried again once it has changed, or when it is reloaded by force.',
  });
  return {
    timings,
    onJournalFailure,
    followsHead,
    generation,
    lastGood: good === null ? left.lastGood : revisionOf(good),
    knownBad: suspects
      .filter((each) => !isGood(each))
      .reduce(
        (known: readonly KnownBad[], { sha, dependencies }) =>
          remembering(known, { sha, dependencies, stage: 'watching', problem }),
        left.knownBad,
      ),
  };
}

/** What of an applied configuration matters elsewhere. */
export const revisionOf = ({ generation, sha, dependencies }: Revision): Revision => ({
  generation,
  sha,
  dependencies,
});

/** When the event happened, if it says so; timers do not. */
export function reportedAt(event: object): number | null {
  return 'at' in event && typeof event.at === 'number' ? event.at : null;
}

/** A problem without a place. */
export function problemOf(stage: ReloadStage, { code, message }: ReloadFailure): Diagnostic {
  return { stage, code, message, file: null, line: null, column: null, path: null };
}

/** The memory with one more entry, the newest last. */
export function remembering(known: readonly KnownBad[], bad: KnownBad): KnownBad[] {
  const others = known.filter(
    ({ sha, dependencies }) => sha !== bad.sha || dependencies !== bad.dependencies,
  );
  return [...others, bad].slice(-KNOWN_BAD_MAX);
}

/** What a deadline says. */
export const timeoutOf = (stage: ReloadStage): ReloadFailure => ({
  code: 'CONFIG_TIMEOUT',
  message: `No answer in time while ${stage === 'rollingBack' ? 'rolling back' : stage}.`,
});

/** The number a run's configuration gets. */
export const generationOf = ({ generation, run }: ConfigReloadContext): number =>
  run?.target.generation ?? generation + 1;

/** As many diagnostics as are kept, and how many are not; one at least. */
export function cappedDiagnostics(
  stage: ReloadStage,
  diagnostics: readonly Diagnostic[],
): { readonly diagnostics: readonly Diagnostic[]; readonly omitted: number } {
  const kept = diagnostics.slice(0, DIAGNOSTICS_MAX);
  if (kept.length === 0)
    kept.push(problemOf(stage, { code: 'CONFIG_REJECTED', message: 'No reason was given.' }));
  return { diagnostics: kept, omitted: Math.max(0, diagnostics.length - DIAGNOSTICS_MAX) };
}

/** As many changed keys as are kept, and how many are not. */
export function cappedChanges({ live, restart, immutable, omitted }: ChangedKeys): ChangedKeys {
  const cap = (keys: readonly string[]) => keys.slice(0, CHANGED_KEYS_MAX);
  const cut = [live, restart, immutable].map((keys) => Math.max(0, keys.length - CHANGED_KEYS_MAX));
  return {
    live: cap(live),
    restart: cap(restart),
    immutable: cap(immutable),
    omitted: cut.reduce((sum, more) => sum + more, omitted),
  };
}
