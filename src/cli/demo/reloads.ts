import { systemClock } from '../../runtime/system-clock.ts';
import type { ReloadSummary } from '../member-status.ts';
import type { Cluster } from './cluster.ts';
import type { MemberProcess } from './member-process.ts';
import type { SharedFile } from './shared-file.ts';

/** What is done to the configuration that members share, and what came of it. */

export const RELOADS = {
  change: 'a change is saved',
  break: 'something broken is saved',
  mend: 'it is mended',
} as const;

export type ReloadKind = keyof typeof RELOADS;

export interface Reloading {
  readonly kind: ReloadKind;
  /** From saving until each member had it, or the one that tells the others had refused it. */
  readonly tookMs: number;
  /** In force afterwards, on all. */
  readonly generation: number | null;
  /** Whether what should be in force is, everywhere, and nothing else. */
  readonly held: boolean;
  readonly detail: string;
}

/** Looking at files in any case, telling each other, and a slow machine together. */
const PATIENCE_MS = 60_000;

export const configurationOf = ({ status }: MemberProcess): ReloadSummary | null =>
  status?.configuration.find(({ what }) => what === 'configuration') ?? null;

const running = (cluster: Cluster): MemberProcess[] => cluster.members.filter(({ exit }) => exit === null);

/** The one configuration that every running member has in force; null while they differ. */
function agreed(cluster: Cluster): ReloadSummary | null {
  const all = running(cluster).map(configurationOf);
  const [first = null] = all;
  if (first?.sha === null || first === null) return null;
  return all.every((each) => each?.sha === first.sha && each.generation === first.generation) ? first : null;
}

/** Does one thing to the shared file, and waits for what comes of it. */
export async function reload(
  cluster: Cluster,
  file: SharedFile,
  kind: ReloadKind,
  onSave: () => void,
): Promise<Reloading> {
  const before = await cluster.until('all members have one configuration', PATIENCE_MS, () =>
    agreed(cluster),
  );
  onSave();
  const at = systemClock.monotonicMs();
  if (kind === 'break') {
    file.break();
    await cluster.until('a member refuses what is broken', PATIENCE_MS, () =>
      running(cluster).some(({ refusal }) => refusal !== null) ? true : null,
    );
    const tookMs = systemClock.monotonicMs() - at;
    const after = agreed(cluster);
    const held = after?.sha === before.sha;
    const detail = held ? 'refused; all kept what they had' : 'it came into force somewhere';
    return { kind, tookMs, generation: after?.generation ?? null, held, detail };
  }
  file.change();
  const after = await cluster.until('all members have the new configuration', PATIENCE_MS, () => {
    const now = agreed(cluster);
    return now !== null && now.sha !== before.sha ? now : null;
  });
  const tookMs = systemClock.monotonicMs() - at;
  const detail = `generation ${String(after.generation)} on ${running(cluster).length} members`;
  return { kind, tookMs, generation: after.generation, held: true, detail };
}
