import type { LeadershipEmitted } from '../../machines/index.ts';
import type { Token } from '../lease/lease-store.ts';

/** The chart's facts as applications see them: tokens are bigints. */
export type ElectionEvent = LeadershipEmitted extends infer E
  ? E extends LeadershipEmitted
    ? Public<E>
    : never
  : never;

type Public<E> = {
  readonly [K in keyof E]: K extends 'token' ? (null extends E[K] ? Token | null : Token) : E[K];
};

/** What `on(type, …)` can listen to. */
export type ElectionEventType = ElectionEvent['type'];

/** The event of one type: what a listener of `on(type, …)` gets. */
export type ElectionEventOf<T extends ElectionEventType> = Extract<ElectionEvent, { type: T }>;

export function toPublic(event: LeadershipEmitted): ElectionEvent {
  if (!('token' in event)) return event;
  return { ...event, token: event.token === null ? null : BigInt(event.token) } as ElectionEvent;
}
