import type { Cluster } from './cluster.ts';
import { type Act, Controls } from './controls.ts';
import type { Failover } from './faults.ts';
import type { MemberProcess } from './member-process.ts';
import { shortName } from './story.ts';

/** What the page of a demo is told, whole, whenever something changes. Times in milliseconds. */

export interface WebMember {
  readonly name: string;
  readonly pid: number;
  readonly state: string;
  readonly leads: boolean;
  readonly term: number | null;
  readonly token: string | null;
  /** Whom it follows; null if it leads, or knows nobody. */
  readonly follows: string | null;
  /** Buttons that do something now. */
  readonly acts: readonly Act[];
}

export interface WebFailover {
  readonly kind: Failover['kind'];
  readonly from: string;
  readonly to: string;
  readonly token: string;
  /** From the fault until another led. */
  readonly tookMs: number;
  /** What was left of the lease then, which nobody may cut short. */
  readonly leaseLeftMs: number;
  readonly lateMs: number;
}

export interface WebState {
  readonly members: readonly WebMember[];
  readonly leaseMs: number;
  readonly failovers: readonly WebFailover[];
  /** The last lines of what happened. */
  readonly story: readonly string[];
  /** Names of the journals that can be saved. */
  readonly journals: readonly string[];
  /** Whether buttons do anything; a scenario does as it will. */
  readonly mayAct: boolean;
  readonly configuration: WebConfiguration | null;
}

/** The file that the members share, and how far each has come with it. */
export interface WebConfiguration {
  readonly text: string;
  readonly members: readonly { readonly name: string; readonly told: string; readonly inForce: boolean }[];
}

export function webMembers(cluster: Cluster, mayAct: boolean): WebMember[] {
  return cluster.members.map((member) => {
    const { name, pid, status } = member;
    const leads = isRunning(member) && status?.role === 'leader';
    const isKnown = isRunning(member) && !leads && status?.currentLeader !== undefined;
    return {
      name,
      pid,
      state: stateOf(member),
      leads,
      term: leads ? (status?.term ?? null) : null,
      token: leads ? (status?.token ?? null) : null,
      follows: isKnown && status.currentLeader !== null ? shortName(status.currentLeader) : null,
      acts: mayAct ? Controls.possible(member) : [],
    };
  });
}

const isRunning = ({ exit, frozen }: MemberProcess): boolean => exit === null && !frozen;

function stateOf({ exit, frozen, status, asked, felled }: MemberProcess): string {
  if (exit !== null) return felled ? 'killed' : asked ? 'stopped' : 'gone';
  if (frozen) return 'frozen';
  return status?.state ?? 'starting';
}

export function webFailover({ kind, from, to, token, tookMs, leaseLeftMs, lateMs }: Failover): WebFailover {
  return {
    kind,
    from: shortName(from),
    to: shortName(to),
    token: String(token),
    tookMs,
    leaseLeftMs,
    lateMs,
  };
}
