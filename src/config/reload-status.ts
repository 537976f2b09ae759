import type { Diagnostic, ReloadStage, Trouble } from '../../machines/index.ts';
import type { HeadRecord, Refusal } from './head.ts';
import type { HeadMember } from './head-member.ts';
import type { ReloadDriver } from './reload-driver.ts';
import type { ReloadSettings } from './reload-options.ts';
import type { ConfigWatchStatus } from './watch-status.ts';

/** How things stand with one member's configuration; nothing in it is secret. */
export interface ReloadStatus {
  readonly memberId: string;
  /** The chart's state, with dots: `applied.confirmed`. */
  readonly state: string;
  readonly healthy: boolean;
  readonly trouble: Trouble | null;
  /** In force; null before the first. */
  readonly generation: number | null;
  readonly sha: string | null;
  /** Whether it has come through its health watch. */
  readonly confirmed: boolean;
  /** Why the newest input is not in force, if it is not. */
  readonly rejected: {
    readonly sha: string | null;
    readonly stage: ReloadStage;
    readonly diagnostics: readonly Diagnostic[];
  } | null;
  /** Null where nothing is shared. */
  readonly shared: {
    readonly mode: 'file' | 'store';
    readonly location: string;
    /** What the head says, as far as is known. */
    readonly head: HeadRecord | null;
    /** How long ago the store was last asked with success; null: never. */
    readonly staleMs: number | null;
    readonly leads: boolean;
    /** Why the own file is not handed to the others, if this member leads and it is not. */
    readonly notProposed: Refusal | null;
  } | null;
  readonly source: string;
  /** Null before `start()`. */
  readonly watch: ConfigWatchStatus | null;
}

export function statusOf<T>(
  driver: ReloadDriver<T>,
  { memberId, source, sharing }: ReloadSettings<T>,
  member: HeadMember<T> | null,
): ReloadStatus {
  const { context, value } = driver.actor.getSnapshot();
  const { applied, trouble, rejection } = context;
  return {
    memberId,
    state: typeof value === 'string' ? value : Object.entries(value).flat().join('.'),
    healthy: trouble === null,
    trouble,
    generation: applied?.generation ?? null,
    sha: applied?.sha ?? null,
    confirmed: applied?.confirmed ?? false,
    rejected: rejection && {
      sha: rejection.sha,
      stage: rejection.stage,
      diagnostics: rejection.diagnostics,
    },
    shared: sharing &&
      member && {
        mode: sharing.mode,
        location: sharing.store.describe().location,
        head: member.head,
        staleMs: member.staleMs,
        leads: sharing.election.isLeader,
        notProposed: member.notProposed,
      },
    source: source.location,
    watch: source.status,
  };
}
