/** The two charts, pure: what they are sent, what they ask for, and the timings that they refuse. */
// Who runs one of them imports it from its own file: the other would be compiled and kept for nothing.
export * from './config-reload.events.ts';
export { inputAfterCrash, rejectedBefore } from './config-reload.judgement.ts';
export * from './config-reload.timings.ts';
export { configReloadMachine } from './config-reload.ts';
export type * from './leadership.events.ts';
export * from './leadership.timings.ts';

export { memberName } from './leadership.rules.ts';
export { leadershipMachine } from './leadership.ts';
