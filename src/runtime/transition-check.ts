import type { AnyMachineSnapshot, AnyStateMachine, EventObject } from 'xstate';
import { UsageError } from '../errors.ts';
import { canonicalJson } from '../journal/canonical.ts';
import { encodeValue } from '../journal/values.ts';
import { underOtherRandomness } from './system-randomness.ts';
import { underOtherTime } from './system-clock.ts';
import { InertScope, type Effect, type InertActor } from './xstate-internals.ts';
import { actorIdOf, projectEffect, projectEvent, projectState } from './xstate-shapes.ts';

interface Outcome {
  readonly state: string;
  readonly effects: string;
}

interface States {
  readonly before: AnyMachineSnapshot;
  readonly after: AnyMachineSnapshot;
}

/**
 * What a chart must keep to so that its journal replays, checked while it runs; for development and tests, since it
 * computes each step twice: every value can be recorded, nobody changes a recorded value in place, and a step under
 * another time and other randomness is the same step.
 */
export class TransitionCheck {
  readonly #machine: AnyStateMachine;
  readonly #inert: InertScope;
  #state = '';

  constructor(machine: AnyStateMachine, actor: InertActor) {
    this.#machine = machine;
    this.#inert = new InertScope(actor);
  }

  /** @throws UsageError `IMPURE_TRANSITION` or `EVENT_NOT_SERIALIZABLE` */
  started(input: unknown, snapshot: AnyMachineSnapshot, effects: readonly Effect[]): void {
    deepFreeze(input);
    this.#state = stateText(snapshot);
    const outcome = this.#outcome(this.#state, effects);
    const again = this.#again(0, null, (scope) => this.#machine.getInitialSnapshot(scope as never, input));
    this.#compare('its start', outcome, again);
    freezeState(snapshot, effects);
  }

  /** @throws UsageError `IMPURE_TRANSITION` or `EVENT_NOT_SERIALIZABLE` */
  stepped(seq: number, event: EventObject, { before, after }: States, effects: readonly Effect[]): void {
    encodeValue(projectEvent(event), { at: `event ${event.type}` });
    if (this.#state !== '' && stateText(before) !== this.#state) {
      throw new UsageError(
        'IMPURE_TRANSITION',
        `The context of "${this.#machine.id}" was changed in place before "${event.type}". Use assign with new values.`,
      );
    }
    deepFreeze(event);
    // Until its children are stopped, a stopping actor has its old state.
    this.#state = stateText(event.type === 'xstate.stop' ? before : after);
    const outcome = this.#outcome(stateText(after), effects);
    const again = this.#again(seq, before, (scope) =>
      this.#machine.transition(before, event, scope as never),
    );
    this.#compare(`"${event.type}"`, outcome, again);
    freezeState(after, effects);
  }

  #outcome(state: string, effects: readonly Effect[]): Outcome {
    const asked = effects.map(({ type, params }, at) => ({
      type,
      params: encodeValue(projectEffect(type, params), { at: `effect ${at} (${type})` }),
    }));
    return { state, effects: canonicalJson(asked) };
  }

  #again(seq: number, before: AnyMachineSnapshot | null, run: (scope: unknown) => unknown): Outcome {
    const effects = this.#inert.begin(seq, before);
    const after = underOtherTime(() =>
      underOtherRandomness(() => run(this.#inert.scope)),
    ) as AnyMachineSnapshot;
    return this.#outcome(stateText(after), effects);
  }

  #compare(what: string, once: Outcome, again: Outcome): void {
    const differs = once.state !== again.state ? 'state' : once.effects !== again.effects ? 'effects' : null;
    if (differs === null) return;
    throw new UsageError(
      'IMPURE_TRANSITION',
      `"${this.#machine.id}" answers ${what} with other ${differs} at another time: ${firstDifference(once[differs], again[differs])}. ` +
        'Take time and randomness from events.',
    );
  }
}

function stateText(snapshot: AnyMachineSnapshot): string {
  return canonicalJson(encodeValue(projectState(snapshot), { at: 'state' }));
}

/** Both texts around the place where they begin to differ. */
function firstDifference(one: string, other: string): string {
  let at = 0;
  while (one[at] === other[at]) at += 1;
  const around = (text: string) => text.slice(Math.max(0, at - 20), at + 20);
  return `…${around(one)}… and …${around(other)}…`;
}

function freezeState(snapshot: AnyMachineSnapshot, effects: readonly Effect[]): void {
  deepFreeze(snapshot.context);
  for (const { type, params } of effects) if (!type.startsWith('xstate.')) deepFreeze(params);
}

/** Freezes plain objects and arrays; actors and instances of classes are not ours to freeze. */
function deepFreeze(value: unknown): void {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return;
  const prototype: unknown = Object.getPrototypeOf(value);
  if (prototype !== Object.prototype && prototype !== null && !Array.isArray(value)) return;
  if (actorIdOf(value) !== null) return;
  Object.freeze(value);
  for (const member of Object.values(value)) deepFreeze(member);
}
