import type { LeaseInspection } from '../lease/redis-lease-replies.ts';
import type { Asked } from './doctor-findings.ts';
import type { RedisSettings } from './settings-shape.ts';

/** Everything the doctor has asked, before it is judged. */
export interface RedisFacts {
  readonly settings: RedisSettings;
  readonly plan: LeasePlan;
  /** The text of `INFO` of the server that has the lease. */
  readonly info: Asked<string>;
  /** What `CONFIG GET` says, by name. */
  readonly config: Asked<Readonly<Record<string, string>>>;
  /** Fields of `SENTINEL MASTER`; null where there are no Sentinels. */
  readonly sentinel: Asked<Readonly<Record<string, string>>> | null;
  /** Null outside of clusters. */
  readonly cluster: ClusterFacts | null;
  readonly lease: Asked<LeaseInspection>;
  /** Commands the user may not use, of those that leases need. */
  readonly denied: Asked<readonly string[]>;
  /** Names of loaded modules. */
  readonly modules: Asked<readonly string[]>;
  /** Longest stall of each kind that the server's latency monitor has seen, in milliseconds. */
  readonly stalls: Asked<Readonly<Record<string, number>>>;
  /** Longest command in the slow log, in milliseconds; 0 if it is empty. */
  readonly slowestMs: Asked<number>;
  readonly samples: Samples;
}

/** What leases on this server are to be like. */
export interface LeasePlan {
  readonly resource: string;
  readonly leaseMs: number;
  readonly renewMs: number;
  readonly waitReplicas: number;
}

export interface ClusterFacts {
  readonly state: string | null;
  readonly slot: number;
  readonly owner: string;
  readonly replicas: readonly string[];
}

export interface Samples {
  /** Round trips of PING, in milliseconds, sorted. */
  readonly rttMs: readonly number[];
  readonly clock: readonly ClockSample[];
}

/** One `TIME`: what the server said, and our clocks in the middle of asking. */
export interface ClockSample {
  readonly serverMs: number;
  readonly wallMs: number;
  readonly monotonicMs: number;
  /** Half of the round trip: the server's clock was read at `monotonicMs` give or take this. */
  readonly uncertainMs: number;
}
