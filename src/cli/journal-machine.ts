import { existsSync } from 'node:fs';
import { resolve } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { AnyStateMachine } from 'xstate';
import { JournalError, SettingsError } from '../errors.ts';
import type { StreamSummary } from '../journal/journal.ts';
import { structureHash } from '../runtime/structure.ts';
import { SHIPPED_CHARTS } from './diagram-shipped.ts';

/** Charts by the id that records carry. */
const shippedById = (id: string): AnyStateMachine | null =>
  Object.values(SHIPPED_CHARTS).find(({ machine }) => machine.id === id)?.machine ?? null;

/** The shipped chart if it is, to the last guard's name, the one that wrote the stream. */
export function writerOf({ machine }: StreamSummary): AnyStateMachine | null {
  const shipped = shippedById(machine.id);
  return shipped !== null && structureHash(shipped) === machine.hash ? shipped : null;
}

/**
 * The chart to hold a stream against: the given one, or the shipped one of the same id.
 *
 * @throws JournalError `REPLAY_INCOMPATIBLE` if none is known
 */
export function machineFor(
  { stream, machine }: StreamSummary,
  given: AnyStateMachine | null,
): AnyStateMachine {
  const found = given ?? shippedById(machine.id);
  if (found !== null) return found;
  const shipped = Object.values(SHIPPED_CHARTS).map((chart) => chart.machine.id);
  throw new JournalError(
    'REPLAY_INCOMPATIBLE',
    `${stream} was written by the chart "${machine.id}", which does not come with conclave (${shipped.join(' and ')} do): give it by --machine ./chart.ts#export.`,
  );
}

/**
 * Loads a chart from a module: `./chart.ts#name`, or without a name the only chart it exports.
 *
 * @throws SettingsError naming the charts there are
 */
export async function loadMachine(text: string): Promise<AnyStateMachine> {
  const at = text.lastIndexOf('#');
  const [path, name] = at > 0 ? [text.slice(0, at), text.slice(at + 1)] : [text, null];
  const exported = await importModule(path);
  const charts = Object.entries(exported).filter((entry): entry is [string, AnyStateMachine] =>
    isChart(entry[1]),
  );
  const names = charts.map(([each]) => each);
  const there = names.length === 0 ? 'It exports no chart' : `It exports ${names.join(', ')}`;
  if (name !== null) {
    const chart = charts.find(([each]) => each === name)?.[1];
    if (chart !== undefined) return chart;
    const what = name in exported ? 'is no chart' : 'is not exported';
    throw new SettingsError('SETTINGS_INVALID', `--machine: ${name} ${what} by ${path}. ${there}.`);
  }
  const distinct = new Set(charts.map(([, chart]) => chart));
  const chart = charts.find(([each]) => each === 'default')?.[1] ?? charts[0]?.[1];
  if (chart === undefined || (distinct.size > 1 && !names.includes('default')))
    throw new SettingsError(
      'SETTINGS_INVALID',
      `--machine: say which chart of ${path} is meant, as ${path}#NAME. ${there}.`,
    );
  return chart;
}

async function importModule(path: string): Promise<Record<string, unknown>> {
  if (!existsSync(path)) throw new SettingsError('SETTINGS_INVALID', `--machine: there is no file ${path}.`);
  try {
    return (await import(pathToFileURL(resolve(path)).href)) as Record<string, unknown>;
  } catch (cause) {
    const said = cause instanceof Error ? cause.message : String(cause);
    throw new SettingsError('SETTINGS_INVALID', `--machine: ${path} cannot be loaded: ${said}.`, { cause });
  }
}

/** By what it has rather than by its class: the module may come with an xstate of its own. */
const isChart = (value: unknown): boolean =>
  typeof value === 'object' &&
  value !== null &&
  'root' in value &&
  'transition' in value &&
  'config' in value;
