/** Bugs of this library that its own checks found, for docs/trust.md. A bug found stays listed. */
export interface Finding {
  readonly bug: string;
  readonly foundBy: string;
  /** The test that fails if it comes back. */
  readonly heldBy: string;
}

export const trackRecord: readonly Finding[] = [
  {
    bug: 'A member whose requests arrived and whose answers did not won the lease again and again, so that nobody led for as long as its link was like that',
    foundBy: 'the simulator, with such a member left behind at the end of a run',
    heldBy: 'test/machines/election-one-way.test.ts',
  },
  {
    bug: 'Two primaries of a Redis that had split gave the same token: what somebody had watched of one grant counted for the other, which was given away under a leader that believed',
    foundBy: 'a campaign of further seeds over a replicated Redis (seed 1001160)',
    heldBy: 'test/properties/lease-protocol.test.ts',
  },
  {
    bug: 'A renewal that anybody announced made the real one look a lease old, so that the store granted the lease beside a healthy leader',
    foundBy: 'a hunt with forged messages on a real Redis',
    heldBy: 'test/machines/leadership-hints.test.ts',
  },
  {
    bug: 'The script that told a leader of its deleted key freed the lease in the same step, before the leader had heard',
    foundBy: 'the simulator, by a model of Redis changed to do the same',
    heldBy: 'test/contracts/redis-connections.test.ts',
  },
  {
    bug: 'A switch told by Sentinel while the client was asking Sentinels ended its connection for good',
    foundBy: 'a review with Sentinels that answer slowly',
    heldBy: 'test/contracts/redis-link.test.ts',
  },
  {
    bug: 'A renewal that was given up while it waited for a connection was sent all the same, and said not to have been',
    foundBy: 'a review with calls that are aborted',
    heldBy: 'test/contracts/redis-link.test.ts',
  },
  {
    bug: 'A renewal cleared a standing loss of data: a late packet of an earlier term that matched what a failover had brought back ended the quarantine while the later leader believed',
    foundBy: 'random schedules over the protocol',
    heldBy: 'test/properties/lease-protocol.test.ts',
  },
  {
    bug: 'A renewal that came twice brought back a beat that somebody had watched for a lease',
    foundBy: 'random schedules over the protocol',
    heldBy: 'test/properties/lease-protocol.test.ts',
  },
  {
    bug: 'A packet that was the first to notice two losses of data gave both the same id, so that waiting for one counted for the other',
    foundBy: 'random schedules over the protocol',
    heldBy: 'test/properties/lease-protocol.test.ts',
  },
  {
    bug: 'Timings that changed between a request and its answer made the winner believe for the new lease while the store held the old',
    foundBy: 'properties of the handle under random schedules',
    heldBy: 'test/properties/election-handle.test.ts',
  },
  {
    bug: 'A term that was durable when its process was killed did not count as a belief in the journals',
    foundBy: 'failovers of real processes',
    heldBy: 'test/properties/beliefs.test.ts',
  },
];
