import type { AnyStateMachine } from 'xstate';

const plainMachines = new WeakMap<object, AnyStateMachine>();

/** The machine below an event-sourced one; any other machine as it is. */
export function plainMachine<TMachine extends AnyStateMachine>(machine: TMachine): TMachine {
  return (plainMachines.get(machine) as TMachine | undefined) ?? machine;
}

/** Keeps which machine an event-sourced one was made of. */
export function rememberPlain(wrapped: AnyStateMachine, machine: AnyStateMachine): void {
  plainMachines.set(wrapped, machine);
}
