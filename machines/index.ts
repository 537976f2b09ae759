/** The two charts, pure: what they are sent, what they ask for, and the timings that they refuse. */
import { configReloadChart } from './config-reload.machine.ts';
import { configReloadImplementations } from './config-reload.rules.ts';
import { leadershipChart } from './leadership.machine.ts';
import { leadershipImplementations } from './leadership.rules.ts';

export * from './config-reload.events.ts';
export { inputAfterCrash, rejectedBefore } from './config-reload.judgement.ts';
export * from './config-reload.timings.ts';
export type * from './leadership.events.ts';
export * from './leadership.timings.ts';

export { memberName } from './leadership.rules.ts';

/** The leadership chart, complete but for its effects: `provide` those named `request…`, `await…` and `…Term`. */
export const leadershipMachine = leadershipChart.provide(
  // The rules know the chart's vocabulary but not its own type; a test holds the names of both equal.
  leadershipImplementations as Parameters<typeof leadershipChart.provide>[0],
);

/** The configuration-reload chart, complete but for its effects: `provide` `request…`, `awaitJournal`, `watchHealth` and `markGood`. */
export const configReloadMachine = configReloadChart.provide(
  configReloadImplementations as Parameters<typeof configReloadChart.provide>[0],
);
