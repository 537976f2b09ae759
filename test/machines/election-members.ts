import { afterEach, beforeEach, expect } from 'vitest';
import {
  createLeaderElection,
  type LeaderElection,
  type LeaderElectionOptions,
  memoryLeases,
} from '../../src/index.ts';
import type { MemoryLeaseStore } from '../../src/lease/memory-lease-store.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse } from './elapse.ts';

export const LEASE = 15_000;

/** Members of one election over the memory store, on a virtual clock; stopped after each test. */
export interface Members {
  readonly clock: VirtualClock;
  readonly leases: MemoryLeaseStore;
  /** A member that has not joined yet. */
  member(candidateId: string, options?: Partial<LeaderElectionOptions>): LeaderElection;
  /** A member that has joined and had 100 ms. */
  started(candidateId: string, options?: Partial<LeaderElectionOptions>): Promise<LeaderElection>;
}

/** Gives each test members of its own, and looks that they leave no timer behind. */
export function useMembers(): Members {
  let clock: VirtualClock;
  let leases: MemoryLeaseStore;
  let elections: LeaderElection[];
  beforeEach(() => {
    clock = new VirtualClock();
    leases = memoryLeases({ clock });
    elections = [];
  });
  afterEach(async () => {
    const stopped = Promise.all(elections.map((election) => election.stop()));
    await elapse(clock, 10 * LEASE);
    await stopped;
    expect(clock.pending).toBe(0);
  });
  const member = (candidateId: string, options: Partial<LeaderElectionOptions> = {}) => {
    const election = createLeaderElection({ resource: 'r', leases, clock, candidateId, ...options });
    elections.push(election);
    return election;
  };
  return {
    get clock() {
      return clock;
    },
    get leases() {
      return leases;
    },
    member,
    async started(candidateId, options) {
      const election = member(candidateId, options);
      await election.start();
      await elapse(clock, 100);
      return election;
    },
  };
}
