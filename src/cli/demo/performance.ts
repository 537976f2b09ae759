import { systemClock } from '../../runtime/system-clock.ts';
import { Cluster, type ClusterEvent, type ClusterOptions } from './cluster.ts';
import { type Failover, FAULTS, type FaultKind, inflict } from './faults.ts';
import type { MemberProcess } from './member-process.ts';
import type { Stage } from './stage.ts';

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
  /** Members that did not end in order although they were asked to. */
  readonly unclean: readonly string[];
}

/** A member that died by somebody else's hand is started again after this long. */
const RESTART_AFTER_MS = 1000;
const SETTLE_PATIENCE_MS = 30_000;

/** Runs the members until the ending, with faults in turn or as keys are pressed. Leaves no process behind. */
export async function perform(
  options: ClusterOptions,
  scenario: 'failover' | undefined,
  stage: Stage,
  ending: Ending,
): Promise<Performance> {
  const failovers: Failover[] = [];
  const onEvent = (event: ClusterEvent) => {
    stage.hear(event);
    if (scenario === undefined) replaceFallen(cluster, event, ending);
  };
  const cluster = new Cluster({ ...options, onEvent });
  const fault = async (kind: FaultKind) => {
    const { member } = await cluster.settled(SETTLE_PATIENCE_MS);
    stage.beforeFault(kind, member.name);
    const failover = await inflict(cluster, kind);
    failovers.push(failover);
    stage.afterFault(failover);
  };
  const interrupt = () => void cluster.stop();
  ending.interrupted.addEventListener('abort', interrupt);
  try {
    stage.open(cluster, scenario === undefined ? freeKeys(fault, ending) : quitKey(ending));
    await cluster.start();
    if (scenario === undefined) await until(ending.over);
    else await inTurn(fault, ending.over);
    await cluster.settled(SETTLE_PATIENCE_MS);
  } catch (error) {
    if (!ending.interrupted.aborted) throw error;
  } finally {
    stage[Symbol.dispose]();
    ending.end();
    await cluster.stop();
  }
  return { failovers, unclean: cluster.everyone.flatMap(unclean) };
}

/** Whole rounds, each of every kind. */
async function inTurn(fault: (kind: FaultKind) => Promise<void>, over: AbortSignal): Promise<void> {
  do {
    for (const kind of Object.keys(FAULTS) as FaultKind[]) await fault(kind);
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

function unclean({ name, pid, asked, exit }: MemberProcess): string[] {
  if (!asked || exit === null || exit.code === 0) return [];
  return [`${name} (pid ${pid}): ${exit.signal ?? `exit code ${exit.code}`}`];
}
