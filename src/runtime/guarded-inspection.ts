import type { InspectionEvent, Observer } from 'xstate';

/** What XState takes as an inspector. */
export type Inspector = Observer<InspectionEvent> | ((event: InspectionEvent) => void);

/**
 * An inspector only looks: XState lets its faults end the actor that is looked at, and with it leadership. What it
 * throws is told to `tell`, the first time.
 */
export function guardedInspection(
  inspect: Inspector,
  tell: (error: unknown) => void,
): (event: InspectionEvent) => void {
  let told = false;
  return (event) => {
    try {
      if (typeof inspect === 'function') inspect(event);
      else inspect.next?.(event);
    } catch (error) {
      if (!told) tell(error);
      told = true;
    }
  };
}
