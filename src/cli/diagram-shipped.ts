import type { AnyStateMachine } from 'xstate';
import { configReloadMachine, leadershipMachine } from '../../machines/index.ts';

/** A chart that comes with the package. */
export interface ShippedChart {
  readonly machine: AnyStateMachine;
  /** Where it is written down, from the package's root. */
  readonly source: string;
}

/** By machine id, which is also the name on the command line. */
export const SHIPPED_CHARTS: Readonly<Record<string, ShippedChart>> = {
  leadership: { machine: leadershipMachine, source: 'machines/leadership.machine.ts' },
  'config-reload': { machine: configReloadMachine, source: 'machines/config-reload.machine.ts' },
};

export const FORMATS = ['mermaid', 'json', 'svg'] as const;
export type Format = (typeof FORMATS)[number];

/** File names of generated pictures, in `visualizations/`. */
export const pictureFile = (chart: string, format: Format): string =>
  `${chart}.${format === 'mermaid' ? 'mmd' : format}`;

/** What each generated picture says about itself. */
export const madeFrom = ({ source }: ShippedChart): string =>
  `Made from ${source} by \`npm run generate\`: change the chart, not this file.`;
