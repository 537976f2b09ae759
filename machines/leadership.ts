import { leadershipChart } from './leadership.machine.ts';
import { leadershipImplementations } from './leadership.rules.ts';

/** The leadership chart, complete but for its effects: `provide` those named `request…`, `await…` and `…Term`. */
export const leadershipMachine = leadershipChart.provide(
  // The rules know the chart's vocabulary but not its own type; a test holds the names of both equal.
  leadershipImplementations as Parameters<typeof leadershipChart.provide>[0],
);
