import type { Observation } from '../../src/lease/lease-store.ts';

/** Each seed draws its own, so that some worlds are calm, some lose everything. */
export interface Weather {
  readonly lost: number;
  readonly late: number;
  readonly repeated: number;
  readonly frozen: number;
  readonly replaced: number;
  readonly dataLost: number;
  readonly stepped: number;
  readonly released: number;
  readonly hinted: number;
}

/** Whose renewal somebody saw. */
export type Seen = Pick<Observation, 'holder' | 'token' | 'beat'>;

/** A member of the model, as it stands. */
export interface Member {
  readonly id: string;
  readonly leaseMs: number;
  readonly graceMs: number;
  readonly rate: number;
  attempt: number;
  sentAt: number;
  seen: bigint;
  known: { holder: string; token: bigint; beat: number; since: number; heardAt: number } | null;
  loss: { id: string; waitedMs: number; at: number } | null;
  term: { token: bigint; number: number; validUntil: number } | null;
  frozenUntil: number;
  gone: boolean;
}
