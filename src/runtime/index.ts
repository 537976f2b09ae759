/** Event sourcing for any XState machine, clocks, and who is who. */
export type { Clock, TimerId } from './clock.ts';
export { eventSourced, journalOf, lastSeqOf, writerOf, type EventSourcedOptions } from './event-sourced.ts';
export { bootId, candidateId, processIncarnation, VERSION, type CandidateIdOptions } from './identity.ts';
export { plainMachine } from './plain-machine.ts';
export { assertPublicEvent, guardedSend } from './public-events.ts';
export type { Randomness } from './randomness.ts';
export type { ActorIdentity } from './recorded-actor.ts';
export { recover, type Recovered, type RecoverOptions } from './recovery.ts';
export {
  compareStructures,
  describeStructure,
  structureHash,
  type Judgement,
  type MachineStructure,
  type StateStructure,
  type StructureDifference,
  type Verdict,
} from './structure.ts';
export { systemClock } from './system-clock.ts';
export { systemRandomness } from './system-randomness.ts';
export { NodeClock, VirtualClock, type NodeClockOptions, type VirtualClockOptions } from './virtual-clock.ts';
