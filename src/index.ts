/** Leader election: the handle, its terms and events, the ports it needs, and errors. */
export { createLeaderElection, LeaderElection } from './leader-election.ts';
export type { ElectionJournal, LeadershipSnapshot, WaitOptions } from './leader-election.ts';
export type { LeaderElectionOptions } from './election/options.ts';
export type { ElectionEvent, ElectionEventOf, ElectionEventType } from './election/events.ts';
export { LeadershipTerm } from './election/term.ts';
export type { Lease, TaskOptions, TaskOutcome } from './election/tasks.ts';
export * from './errors.ts';
export type * from './lease/lease-store.ts';
export { disabledLeases, memoryLeases } from './lease/memory-lease-store.ts';
export { memoryJournal } from './journal/memory-journal.ts';
export type * from './journal/journal.ts';
export type { Clock, TimerId } from './runtime/clock.ts';
export type { Randomness } from './runtime/randomness.ts';
export type { Logger } from './logger.ts';
