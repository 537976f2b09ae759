import { systemClock } from '../../runtime/system-clock.ts';
import { Cluster, type ClusterEvent, type ClusterOptions } from './cluster.ts';
import { type Failover, FAULTS, type FaultKind, inflict } from './faults.ts';
import { openAudience } from './audience.ts';
import { DemoJournals } from './journals.ts';
import type { MemberProcess } from './member-process.ts';
import { reload, type Reloading, type ReloadKind, RELOADS } from './reloads.ts';
import { SharedFile } from './shared-file.ts';
import type { Stage } from './stage.ts';
import type { DemoWeb } from './web.ts';

/** When a performance ends. */
export interface Ending {
  /** Aborted by whoever does not want to wait: everything stops where it is. */
  readonly interrupted: AbortSignal;
  /** Aborted when its time is over: what was begun is finished. */
  readonly over: AbortSignal;
  /** Ends it now. */
  end(): void;
}

export interface Performance {
  readonly failovers: readonly Failover[];
  readonly reloadings: readonly Reloading[];
  /** Members that did not end in order although they were asked to. */
  readonly unclean: readonly string[];
}

/** A member that died by somebody else's hand is started again after this long. */
const RESTART_AFTER_MS = 1000;
const SETTLE_PATIENCE_MS = 30_000;

export const SCENARIOS = ['failover', 'reload', 'all'] as const;
export type Scenario = (typeof SCENARIOS)[number];

export interface PerformanceOptions {
  readonly cluster: Omit<ClusterOptions, 'configuration' | 'onEvent'>;
  readonly scenario: Scenario | undefined;
  /** Whether there is a page to look at, and where. */
  readonly web: { readonly port: number | undefined } | null;
}

/**
 * Runs the members until the ending, with faults in turn, or as keys are pressed and buttons are clicked. Leaves no
 * process behind.
 */
export async function perform(
  { cluster: options, scenario, web }: PerformanceOptions,
  stage: Stage,
  ending: Ending,
): Promise<Performance> {
  const failovers: Failover[] = [];
  const seen: Failover[] = [];
  const reloadings: Reloading[] = [];
  const file = new SharedFile(options.directory);
  let page: DemoWeb | null = null;
  const onEvent = (event: ClusterEvent) => {
    stage.hear(event);
    page?.changed();
    if (scenario === undefined) replaceFallen(cluster, event, ending);
  };
  const cluster = new Cluster({ ...options, configuration: file.path, onEvent });
  await using journals = new DemoJournals(options.directory);
  const note = (failover: Failover, isJudged: boolean) => {
    seen.push(failover);
    if (isJudged) failovers.push(failover);
    page?.changed();
  };
  const deeds: Deeds = {
    fault: async (kind) => {
      const { member } = await cluster.settled(SETTLE_PATIENCE_MS);
      stage.beforeFault(kind, member.name);
      const failover = await inflict(cluster, kind);
      note(failover, true);
      stage.afterFault(failover);
    },
    reload: async (kind) => {
      const reloading = await reload(cluster, file, kind, () =>
        stage.tell(`──▶ the shared configuration: ${RELOADS[kind]}`),
      );
      reloadings.push(reloading);
      stage.afterReload(reloading);
    },
  };
  const interrupt = () => void cluster.stop();
  ending.interrupted.addEventListener('abort', interrupt);
  try {
    const mayAct = scenario === undefined;
    const audience = { cluster, file, journals, stage, mayAct, failovers: seen, onFailover: note };
    page = web && (await openAudience({ ...audience, port: web.port }));
    stage.open(cluster, mayAct ? freeKeys(deeds.fault, ending) : quitKey(ending), page?.url ?? null);
    await cluster.start();
    if (scenario === undefined) await until(ending.over);
    else await inTurn(deeds, scenario, ending.over);
    await putInOrder(cluster);
  } catch (error) {
    if (!ending.interrupted.aborted) throw error;
  } finally {
    stage[Symbol.dispose]();
    ending.end();
    await cluster.stop();
    await page?.[Symbol.asyncDispose]();
  }
  return { failovers, reloadings, unclean: cluster.everyone.flatMap(unclean) };
}

interface Deeds {
  readonly fault: (kind: FaultKind) => Promise<void>;
  readonly reload: (kind: ReloadKind) => Promise<void>;
}

/** Somebody may have left members frozen, or all of them stopped: then there is nobody to agree. */
async function putInOrder(cluster: Cluster): Promise<void> {
  for (const member of cluster.members) if (member.exit === null && member.frozen) member.thaw();
  if (cluster.members.some(({ exit }) => exit === null)) await cluster.settled(SETTLE_PATIENCE_MS);
}

/** Whole rounds, each of every kind. */
async function inTurn({ fault, reload: edit }: Deeds, scenario: Scenario, over: AbortSignal): Promise<void> {
  do {
    if (scenario !== 'reload') for (const kind of Object.keys(FAULTS) as FaultKind[]) await fault(kind);
    if (scenario !== 'failover') for (const kind of Object.keys(RELOADS) as ReloadKind[]) await edit(kind);
  } while (!over.aborted);
}

function quitKey(ending: Ending) {
  const press = (key: string) => {
    if (key === 'q') ending.end();
  };
  return { legend: 'q quits', press };
}

/** One fault at a time: a key that comes while another is under way does nothing. */
function freeKeys(fault: (kind: FaultKind) => Promise<void>, ending: Ending) {
  const kinds: Readonly<Record<string, FaultKind>> = { k: 'kill', f: 'freeze', s: 'handover' };
  let busy = false;
  const press = (key: string) => {
    const kind = kinds[key];
    if (key === 'q') ending.end();
    if (kind === undefined || busy) return;
    busy = true;
    const act = async () => {
      try {
        await fault(kind);
      } catch {
        // The members are being stopped, or none leads: the board shows it.
      } finally {
        busy = false;
      }
    };
    void act();
  };
  return { legend: 'To the leader: k kill -9   f freeze   s stop (SIGTERM)      q quit', press };
}

function replaceFallen(cluster: Cluster, event: ClusterEvent, { over, interrupted }: Ending): void {
  if (!('exit' in event) || event.member.asked || event.member.felled) return;
  const { member } = event;
  systemClock.setTimeout(() => {
    if (!over.aborted && !interrupted.aborted && cluster.members.includes(member)) cluster.run(member.name);
  }, RESTART_AFTER_MS);
}

function until(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });
}

function unclean({ name, pid, asked, exit, status }: MemberProcess): string[] {
  if (!asked || exit === null || exit.code === 0) return [];
  // It did not listen yet: somebody ended the demo while it was still starting, with nothing to hand over.
  if (status === null && exit.signal === 'SIGTERM') return [];
  return [`${name} (pid ${pid}): ${exit.signal ?? `exit code ${exit.code}`}`];
}
