import { type RedisOptions, storeName } from './lease-stores.ts';
import type { ReloadState } from './member-reloads.ts';
import type { Member } from './member.ts';

/** What a member tells about itself over its control socket. Times in milliseconds. */
export interface MemberStatus {
  readonly member: string;
  readonly name: string;
  readonly resource: string;
  readonly pid: number;
  readonly role: 'leader' | 'follower';
  /** State of the chart, for example `leader.held`. */
  readonly state: string;
  readonly term: number | null;
  readonly token: string | null;
  /** What is left of this member's own lease, or until it will ask for it. */
  readonly remainingMs: number | null;
  readonly currentLeader: string | null;
  /** What it is called, without a secret. */
  readonly store: string;
  /** How the keys of a Redis are called. */
  readonly keys: Pick<RedisOptions, 'keyPrefix' | 'keys'>;
  readonly journal: string | null;
  readonly ready: boolean;
  /** Where it answers over HTTP; null where it does not. */
  readonly http: { readonly service: string; readonly metrics: string } | null;
  /** What it reloads; empty where it does not. */
  readonly configuration: readonly ReloadSummary[];
}

/** One line about a configuration; `conclave config status` tells more. */
export type ReloadSummary = Pick<
  ReloadState,
  'what' | 'path' | 'state' | 'generation' | 'sha' | 'restart' | 'healthy'
>;

/** The state of a chart as one word: `leader.held`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([state, inner]) => `${state}.${stateName(inner)}`)
    .join('+');
}

export function statusOfMember(of: Member): MemberStatus {
  const { election, settings, clock } = of;
  const { value, context } = election.actor.getSnapshot();
  const { term } = election;
  const { known } = context;
  const leftMs =
    term?.remainingMs ?? (known === null ? null : Math.max(0, known.endsAt - clock.monotonicMs()));
  return {
    member: election.candidateId,
    name: settings.name,
    resource: election.resource,
    pid: process.pid,
    role: term === null ? 'follower' : 'leader',
    state: stateName(value),
    term: term?.number ?? null,
    token: term === null ? null : String(term.token),
    remainingMs: leftMs === null ? null : Math.round(leftMs),
    currentLeader: election.currentLeader,
    store: storeName(settings.store),
    keys: keysOf(settings.redis),
    journal: settings.journal,
    ready: of.isReady,
    http: of.addresses,
    configuration: of.reloads.map((each) => {
      const { what, path, state, generation, sha, restart, healthy } = each.status();
      return { what, path, state, generation, sha, restart, healthy };
    }),
  };
}

function keysOf({ keyPrefix, keys }: RedisOptions = {}): MemberStatus['keys'] {
  return { ...(keyPrefix !== undefined && { keyPrefix }), ...(keys !== undefined && { keys }) };
}
