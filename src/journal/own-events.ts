/**
 * The events that XState and this runtime write into a journal by themselves, beside those an actor receives. Public
 * events never begin with `xstate.` (refused by `assertPublicEvent`) nor with `conclave.`.
 */

/** Opens a life of an actor: `{ input?, actor, parent?, structure? }`. */
export const INIT_EVENT = 'xstate.init';

/** Ends it from outside. */
export const STOP_EVENT = 'xstate.stop';

/** A recovered actor goes on: `{ actor, timers }`. Changes no state. */
export const RESUMED_EVENT = 'conclave.resumed';

/** Stands for everything before it: `{ actor, snapshot, timers, chain? }`. */
export const TRIMMED_EVENT = 'conclave.trimmed';

/** An event whose processing threw: `{ phase, during, error }`. The state is what it was before the event. */
export const FAULT_EVENT = 'conclave.fault';

/**
 * Where it threw: in the `transition` (a guard, an assign, a delay: nothing of the event happened), in an `action`
 * (effects before it were carried out, those after it were not), or in an action of the `start`.
 */
export type FaultPhase = 'transition' | 'action' | 'start';

/** A timer as `RESUMED_EVENT` carries it: which effect set it, and what was left to wait when the actor went on. */
export interface ResumedTimer {
  readonly effect: string;
  readonly delayMs: number;
}
