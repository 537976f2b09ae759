import type { LeaderElection } from '../leader-election.ts';
import type { LeaseView } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ServedMember } from './app-options.ts';
import { fieldsOf } from './body.ts';
import { refusal } from './problem.ts';
import { json, type Route } from './routes.ts';

/** Who leads, and giving it up. */

/** How long the store may take to tell the number of somebody else's term, in milliseconds. */
const LOOK_UP_MS = 1000;
/** It is asked once in this at most, however many ask us, in milliseconds. */
const LOOK_EVERY_MS = 1000;

export function leaderRoutes({ election, clock }: ServedMember): readonly Route[] {
  if (election === null) return [];
  const since = new Sightings(election, clock);
  return [
    {
      method: 'GET',
      path: '/leader',
      scope: null,
      serve: async () => {
        const leader = await leaderOf(election, since);
        if (leader === null) throw refusal('NOT_FOUND', `Nobody is known to lead "${election.resource}".`);
        return json(leader);
      },
    },
    {
      method: 'GET',
      path: '/leader/me',
      scope: null,
      serve: () => {
        const { resource, candidateId: member, isLeader, currentLeader: leader } = election;
        const told = { resource, member, is_leader: isLeader, leader };
        if (isLeader) return json(told);
        throw refusal('NOT_LEADER', `This member does not lead "${resource}".`, { more: told });
      },
    },
    {
      method: 'POST',
      path: '/leader/resign',
      scope: 'admin',
      serve: async (context) => {
        await fieldsOf(context, {});
        const { term, resource, candidateId: member } = election;
        if (term === null)
          throw refusal('NOT_LEADER', `This member does not lead "${resource}", so that it cannot resign.`);
        await election.resign();
        return json({ resource, member, resigned: { term: term.number, token: String(term.token) } });
      },
    },
  ];
}

async function leaderOf(election: LeaderElection, since: Sightings) {
  const isOther = election.term === null && election.currentLeader !== null;
  const view = isOther ? await since.view() : null;
  // The store may have taken a while: what is told is who leads now.
  const { resource, term, candidateId, currentLeader: holder } = election;
  if (term !== null) {
    const token = String(term.token);
    return { resource, holder: candidateId, is_me: true, term: term.number, token, since: since.of(token) };
  }
  if (holder === null || holder === candidateId) return null;
  const { known } = election.actor.getSnapshot().context;
  const isView = view !== null && view.holder === holder;
  const token = isView ? String(view.token) : (known?.token ?? '');
  return { resource, holder, is_me: false, term: isView ? view.term : null, token, since: since.of(token) };
}

/** What is known of somebody else's term: when this member first saw it, by its own wall clock, and its number. */
class Sightings {
  #token: string | null = null;
  #at: string | null = null;
  #view: Promise<LeaseView | null> = Promise.resolve(null);
  #askedAt = -Infinity;
  readonly #election: LeaderElection;
  readonly #clock: Clock;

  constructor(election: LeaderElection, clock: Clock) {
    this.#election = election;
    this.#clock = clock;
    const note = (token: string) => {
      this.#token = token;
      this.#at = new Date(clock.wallMs()).toISOString();
    };
    election.on('becameLeader', ({ token }) => note(String(token)));
    election.on('newLeaderObserved', ({ token }) => note(String(token)));
  }

  /** The lease as the store tells it, which knows the number of the term; null if it does not answer. */
  view(): Promise<LeaseView | null> {
    const now = this.#clock.monotonicMs();
    if (now - this.#askedAt < LOOK_EVERY_MS) return this.#view;
    this.#askedAt = now;
    this.#view = this.#election.lookUp({ withinMs: LOOK_UP_MS }).catch(() => null);
    return this.#view;
  }

  /** Null: it led before this member looked. */
  of(token: string): string | null {
    return token === this.#token ? this.#at : null;
  }
}
