import type { AnyStateMachine, StateValue } from 'xstate';
import { UsageError } from '../errors.ts';
import { stateIdsOf, type Effect } from './xstate-internals.ts';

/**
 * What XState makes of a delay that is no number is *now*: two states that time out into each other then loop until
 * memory is gone. Here the transition fails instead, and the message names the delay.
 */

/** The longest wait of a plain JavaScript timer; anything longer fires at once. */
const PLAIN_TIMEOUT_MAX_MS = 2 ** 31 - 1;

export interface DelayContext {
  readonly machine: AnyStateMachine;
  /** State value before the transition; undefined at the start. */
  readonly state: StateValue | undefined;
  /** Whether the actor's clock keeps timers of any length. */
  readonly longTimers: boolean;
}

/**
 * Checks the delay of a `raise` or `sendTo`.
 *
 * @throws UsageError `DELAY_INVALID`
 */
export function checkDelay(effect: Effect, context: DelayContext): void {
  const { delay, id } = effect.params as { readonly delay: unknown; readonly id: unknown };
  const isAfter = typeof id === 'string' && id.startsWith('xstate.after.');
  // Sending without delay is what most do; only an `after` always has one.
  if (delay === undefined && !isAfter) return;
  if (
    typeof delay === 'number' &&
    Number.isFinite(delay) &&
    (context.longTimers || delay <= PLAIN_TIMEOUT_MAX_MS)
  )
    return;
  const { name, state } = isAfter
    ? afterOf(id, context.machine)
    : { name: typeof id === 'string' ? id : effect.type, state: null };
  const shown = typeof delay === 'string' ? `"${delay}"` : String(delay);
  const where = state ?? (context.state === undefined ? 'its initial state' : JSON.stringify(context.state));
  const why =
    typeof delay === 'number' && Number.isFinite(delay)
      ? `Plain timers cannot wait longer than ${PLAIN_TIMEOUT_MAX_MS} ms: give createActor a clock that can, such as systemClock.`
      : 'Delays must be finite numbers of milliseconds, 0 or more; XState would take it for now.';
  throw new UsageError(
    'DELAY_INVALID',
    `The delay "${name}" in ${where} of "${context.machine.id}" is ${shown}. ${why}`,
  );
}

/** `xstate.after.<delay>.<state id>`; both parts may contain dots, but states are known. */
function afterOf(
  id: string,
  machine: AnyStateMachine,
): { readonly name: string; readonly state: string | null } {
  const rest = id.slice('xstate.after.'.length);
  const state = stateIdsOf(machine)
    .filter((each) => rest.endsWith(`.${each}`))
    .toSorted((a, b) => b.length - a.length)[0];
  return state === undefined
    ? { name: rest, state: null }
    : { name: rest.slice(0, -state.length - 1), state: `state ${state}` };
}
