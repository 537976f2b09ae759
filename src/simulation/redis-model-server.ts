import { StoreUnavailableError } from '../errors.ts';
import type { LeaseRecord } from '../lease/lease-record.ts';
import type { NodeClock } from '../runtime/virtual-clock.ts';

/**
 * One Redis server as leases see it: its data, its clock, what it answers instead of working, and the copies that
 * follow its writes at a distance — its replicas and its disk.
 */

/** What is stored for one resource. */
export interface Entry {
  readonly record: LeaseRecord;
  /** The plain key beside the record. It ends by itself with the lease; false where somebody deleted it before. */
  readonly mirror: boolean;
  /** True time of the latest win or renewal, for judging what a step of the clock does; no server knows it. */
  readonly renewedAtMs: number;
  /** True time at which the standing loss was noted. */
  readonly lossAtMs: number;
}

export type DataSet = ReadonlyMap<string, Entry>;

interface Write {
  readonly dueMs: number;
  readonly resource: string;
  readonly entry: Entry | null;
}

/** Writes a copy may be behind by; beyond it, it is made anew, as after a replication backlog that ran over. */
export const BACKLOG_MAX = 1000;

/** A copy of a server's data that takes each write some time after the server did. Times are true milliseconds. */
export class LaggingCopy {
  readonly #data: Map<string, Entry>;
  #pending: Write[] = [];

  constructor(data: DataSet = new Map()) {
    this.#data = new Map(data);
  }

  follow(resource: string, entry: Entry | null, dueMs: number): void {
    const after = this.#pending.at(-1)?.dueMs ?? 0;
    this.#pending.push({ resource, entry, dueMs: Math.max(dueMs, after) });
    if (this.#pending.length > BACKLOG_MAX) this.catchUp(Infinity);
  }

  /** Takes what is due by then; returns how many writes are still missing. */
  catchUp(nowMs: number): number {
    const taken = this.#pending.findIndex(({ dueMs }) => dueMs > nowMs);
    for (const { resource, entry } of this.#pending.splice(0, taken === -1 ? this.#pending.length : taken)) {
      if (entry === null) this.#data.delete(resource);
      else this.#data.set(resource, entry);
    }
    return this.#pending.length;
  }

  /** What it has; what was still on its way is lost. */
  take(): DataSet {
    this.#pending = [];
    return new Map(this.#data);
  }
}

/** What a server answers instead of working. */
export type Condition =
  | 'down'
  | 'loading'
  | 'busy'
  | 'read-only'
  | 'out-of-memory'
  | 'cluster-down'
  | 'master-down'
  | 'no-replicas';

const ANSWERS: Readonly<Record<Condition, string>> = {
  down: 'connection refused',
  loading: 'LOADING Redis is loading the dataset in memory',
  busy: 'BUSY Redis is busy running a script',
  'read-only': "READONLY You can't write against a read only replica",
  'out-of-memory': "OOM command not allowed when used memory > 'maxmemory'",
  'cluster-down': 'CLUSTERDOWN The cluster is down',
  'master-down': 'MASTERDOWN Link with MASTER is down and replica-serve-stale-data is set to no',
  'no-replicas': 'NOREPLICAS Not enough good replicas to write',
};

/** Calls that a server in this condition answers all the same. */
const SERVED: Readonly<Partial<Record<Condition, readonly string[]>>> = {
  'out-of-memory': ['renew', 'release', 'read'],
  'read-only': ['read'],
  'no-replicas': ['read'],
};

export interface ServerIdentity {
  readonly name: string;
  readonly clock: NodeClock;
  runId: string;
  replicationId: string;
}

export class RedisServer {
  readonly identity: ServerIdentity;
  /** What survives a restart. */
  disk = new LaggingCopy();
  data = new Map<string, Entry>();
  /** True time of the latest step of its clock forward. */
  steppedForwardAtMs = -Infinity;
  /** Whether it has the scripts; if not, the first call brings them. */
  scripted = false;
  readonly #conditions = new Map<Condition, number>();

  constructor(identity: ServerIdentity) {
    this.identity = identity;
  }

  /** Changes when this server may show other data than before. */
  get incarnation(): string {
    const { runId, replicationId } = this.identity;
    return `${runId}:${replicationId}`;
  }

  /** What TIME answers, in milliseconds. */
  nowMs(): number {
    return Math.floor(this.identity.clock.wallMs());
  }

  stepClock(byMs: number, trueMs: number): void {
    this.identity.clock.jumpWall(byMs);
    if (byMs > 0) this.steppedForwardAtMs = trueMs;
  }

  suffer(condition: Condition, untilMs: number): void {
    this.#conditions.set(condition, Math.max(this.#conditions.get(condition) ?? 0, untilMs));
  }

  recover(...conditions: readonly Condition[]): void {
    if (conditions.length === 0) this.#conditions.clear();
    for (const condition of conditions) this.#conditions.delete(condition);
  }

  /** @throws StoreUnavailableError what the server answers to this kind of call instead of working */
  assertServes(kind: string, trueMs: number, note: (condition: Condition) => void): void {
    for (const [condition, untilMs] of this.#conditions) {
      if (untilMs <= trueMs || SERVED[condition]?.includes(kind) === true) continue;
      note(condition);
      throw refusal(`${this.identity.name}: ${ANSWERS[condition]}`);
    }
  }
}

/** The request was not executed. */
export function refusal(message: string, outcomeUnknown = false): StoreUnavailableError {
  return new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown });
}
