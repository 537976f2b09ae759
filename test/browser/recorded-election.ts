import { createLeaderElection, memoryLeases } from '../../src/index.ts';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse } from '../machines/elapse.ts';

/**
 * The journals of members that lead one after the other, or, if they were given two stores by mistake, at the same
 * time.
 */
export async function recordedElection({
  members,
  stores,
}: {
  readonly members: number;
  readonly stores: 1 | 2;
}): Promise<Journal[]> {
  const clock = new VirtualClock();
  const leases = [memoryLeases({ clock }), memoryLeases({ clock })];
  const journals = Array.from({ length: members }, () => memoryJournal());
  const elections = journals.map((journal, at) => {
    const store = leases[at % stores];
    if (store === undefined) throw new Error('There are two stores at most.');
    return createLeaderElection({
      resource: 'billing',
      candidateId: `web-${at + 1}`,
      leases: store,
      journal,
      clock,
    });
  });
  for (const election of elections) {
    await election.start();
    await elapse(clock, 20_000);
  }
  const stopped: Promise<void>[] = [];
  for (const election of elections) {
    stopped.push(election.stop());
    await elapse(clock, 40_000);
  }
  await Promise.all(stopped);
  return journals;
}
