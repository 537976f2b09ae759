import { configReloadChart } from './config-reload.machine.ts';
import { configReloadImplementations } from './config-reload.rules.ts';

/** The configuration-reload chart, complete but for its effects: `provide` `request…`, `awaitJournal`, `watchHealth` and `markGood`. */
export const configReloadMachine = configReloadChart.provide(
  configReloadImplementations as Parameters<typeof configReloadChart.provide>[0],
);
