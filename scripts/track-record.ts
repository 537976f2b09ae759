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
