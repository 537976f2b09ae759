import type { AnyStateMachine } from 'xstate';
import { guardName } from './diagram-chart.ts';

/** Code in a config: an action, guard or context that is no name. */
interface CodePart {
  readonly type?: string;
  readonly check?: unknown;
  readonly event?: unknown;
}

/**
 * The chart's configuration as JSON that `createMachine` and Stately read back: the same states, transitions, guards
 * and delays by name. It is a picture, not the chart: what has no name (context, parameters) is left out, a combined
 * guard becomes one guard named by its formula, and without implementations a delay would fire at once.
 *
 * @param description Says how it was made; put where editors show it, unless the chart has its own.
 */
export function toConfigJson(machine: AnyStateMachine, description: string): string {
  const { id, ...config } = machine.config as Record<string, unknown>;
  return `${JSON.stringify({ id, description, ...config }, nameCode, 2)}\n`;
}

function nameCode(key: string, value: unknown): unknown {
  if (typeof value !== 'function') return value;
  const { type, check, event } = value as CodePart;
  if (check !== undefined) return guardName(value);
  if (type?.startsWith('xstate.')) return { type, params: { event } };
  // In JSON an unnamed action would become null within a list.
  return key === '' || /^\d+$/.test(key) ? '(inline)' : undefined;
}
