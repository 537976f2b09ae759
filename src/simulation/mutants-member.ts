import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import type { LeadershipEvent } from '../../machines/index.ts';
import type { LeaderElection } from '../leader-election.ts';
import type { LeaseStore } from '../lease/lease-store.ts';
import type { Clock } from '../runtime/clock.ts';
import type { MemberMutation } from './simulated-store.ts';

/**
 * Bugs of a member, planted at its ports and its mailbox. What a member knows besides is kept by its clock, which is
 * one for each.
 *
 * Left out, for no run can tell them from what is shipped:
 * - the guard dropped: it covers the time between looking at `isLeader` and acting, which no check of belief sees;
 * - late replies accepted: the chart gives up each request after a sixth of the lease, and after a freeze its overdue
 *   deadline comes first, so that no such reply finds a term to prolong (`leadership-exploration.test.ts` tries both);
 * - belief by the monotonic clock alone: it differs only where that clock stands still while the wall clock goes on.
 */
export interface MemberMutant {
  readonly name: string;
  readonly planted: string;
  readonly member: MemberMutation;
}

/** A store that does one thing differently. */
const altered =
  (change: (leases: LeaseStore, clock: Clock) => Partial<LeaseStore>) =>
  (leases: LeaseStore, clock: Clock): LeaseStore => ({
    ...leases,
    [Symbol.asyncDispose]: () => leases.close(),
    ...change(leases, clock),
  });

/** Something of each member's own. */
class Memory<T> {
  readonly #values = new WeakMap<object, T>();
  readonly #initial: () => T;
  constructor(initial: () => T) {
    this.#initial = initial;
  }
  of(clock: object): T {
    const known = this.#values.get(clock) ?? this.#initial();
    this.#values.set(clock, known);
    return known;
  }
}

const fromReply = (event: LeadershipEvent): LeadershipEvent =>
  event.type === 'lease.acquired' || event.type === 'lease.renewed'
    ? { ...event, sentAt: event.at, sentWall: event.wall }
    : event;

/** What the drift takes off a lease is given back through the guard. */
const wholeLease = (event: LeadershipEvent, { actor }: LeaderElection): LeadershipEvent => {
  if (event.type !== 'lease.acquired' && event.type !== 'lease.renewed') return event;
  const { leaseMs } = actor.getSnapshot().context.timings;
  return { ...event, guardMs: leaseMs / DRIFT_FACTOR - leaseMs };
};

/** How often a timer looks at the wall clock. */
const LOOK_MS = 1000;

/** All of a member's time read from its wall clock, timers too. */
function wallClock(clock: Clock): Clock {
  const timers = new Map<object, unknown>();
  const set = (id: object, fn: () => void, dueMs: number) => {
    const leftMs = dueMs - clock.wallMs();
    const look = () => (clock.wallMs() >= dueMs ? fire() : set(id, fn, dueMs));
    const fire = () => {
      timers.delete(id);
      fn();
    };
    timers.set(id, clock.setTimeout(look, Math.min(Math.max(leftMs, 0), LOOK_MS)));
  };
  return {
    monotonicMs: () => clock.wallMs(),
    wallMs: () => clock.wallMs(),
    setTimeout(fn, delayMs) {
      const id = {};
      set(id, fn, clock.wallMs() + delayMs);
      return id;
    },
    clearTimeout(id) {
      clock.clearTimeout(timers.get(id as object));
      timers.delete(id as object);
    },
  };
}

/** Gives the lease up in the store first, and leaves when the answer is there. */
const answered = new Memory<{ leases: LeaseStore | null; leaving: boolean }>(() => ({
  leases: null,
  leaving: false,
}));

/** The clock that the actor was made with. */
const clockOf = (actor: object) => (actor as { readonly clock: Clock }).clock;

function leaveAfterRelease(event: LeadershipEvent, { actor, term, resource, candidateId }: LeaderElection) {
  const memory = answered.of(clockOf(actor));
  if (event.type !== 'resign' || term === null || memory.leases === null || memory.leaving) return event;
  memory.leaving = true;
  const leave = () => {
    actor.send({ ...event });
    memory.leaving = false;
  };
  const { signal } = new AbortController();
  memory.leases.release({ resource, id: candidateId, token: term.token }, { signal }).then(leave, leave);
  return null;
}

const beliefs: readonly MemberMutant[] = [
  {
    name: 'deadline-from-reply',
    planted: 'Belief is counted from the answer instead of from the request.',
    member: { event: fromReply },
  },
  {
    name: 'drift-not-taken-off',
    planted: 'Belief lasts the whole lease, as if all clocks ran at one rate.',
    member: { event: wholeLease },
  },
  {
    name: 'flag-instead-of-clock',
    planted: 'Whether a member leads is what its chart last said, not what the clocks say now.',
    member: { believes: ({ actor }) => actor.getSnapshot().matches('leader') },
  },
  {
    name: 'wall-clock',
    planted: 'Deadlines and waits are measured by the wall clock, which may step.',
    member: { clock: wallClock },
  },
  {
    name: 'drift-of-8-percent',
    planted: 'Clocks differ by far more than is assumed.',
    member: { driftPpm: { from: -40_000, to: 40_000 } },
  },
  {
    name: 'leaves-after-release',
    planted: 'Who resigns stops believing only when the store has answered.',
    member: {
      leases: (leases, clock) => {
        answered.of(clock).leases = leases;
        return leases;
      },
      event: leaveAfterRelease,
    },
  },
  {
    name: 'wait-not-watched',
    planted: 'What a member has watched counts from when it joined, whatever it saw since.',
    member: {
      leases: altered((leases, clock) => {
        const joinedAt = clock.monotonicMs();
        return {
          acquire: (request, options) =>
            leases.acquire(
              {
                ...request,
                observed: request.observed && { ...request.observed, forMs: clock.monotonicMs() - joinedAt },
              },
              options,
            ),
        };
      }),
    },
  },
  {
    name: 'freed-before-told',
    planted: 'A lease that was freed by hand is given away before its leader has heard of it.',
    member: {
      leases: altered((leases) => ({
        renew: async (request, options) => {
          const reply = await leases.renew(request, options);
          if (reply.kind === 'denied' && reply.holder === null) await leases.release(request, options);
          return reply;
        },
      })),
    },
  },
];

const answers: readonly MemberMutant[] = [
  {
    name: 'error-taken-for-free',
    planted: 'A store that cannot be asked is taken for one that grants.',
    member: {
      leases: altered((leases) => ({
        acquire: (request, options) =>
          leases
            .acquire(request, options)
            .catch(() => ({ kind: 'won', token: request.seen + 1n, term: 1 }) as const),
      })),
    },
  },
  {
    name: 'error-taken-for-renewed',
    planted: 'A renewal that failed is taken for one that succeeded.',
    member: {
      leases: altered((leases) => ({
        renew: (request, options) =>
          leases.renew(request, options).catch(() => ({ kind: 'renewed', restored: false }) as const),
      })),
    },
  },
  {
    name: 'held-taken-for-won',
    planted: 'Whoever is told that its own name has the lease takes it for its own.',
    member: {
      leases: altered((leases) => ({
        acquire: async (request, options) => {
          const reply = await leases.acquire(request, options);
          const name = (id: string) => id.slice(0, id.lastIndexOf('-'));
          if (reply.kind !== 'held' || name(reply.holder) !== name(request.id)) return reply;
          return { kind: 'won', token: reply.token, term: 1 };
        },
      })),
    },
  },
  {
    name: 'quarantine-taken-for-free',
    planted: 'Who is told to wait for lost data leads at once.',
    member: {
      leases: altered((leases) => ({
        acquire: async (request, options) => {
          const reply = await leases.acquire(request, options);
          if (reply.kind !== 'quarantined') return reply;
          return {
            kind: 'won',
            token: (reply.token > request.seen ? reply.token : request.seen) + 1n,
            term: 1,
          };
        },
      })),
    },
  },
];

const requests: readonly MemberMutant[] = [
  {
    name: 'renewal-shortens-the-lease',
    planted: 'A renewal asks for half the lease that its leader believes in.',
    member: {
      leases: altered((leases) => ({
        renew: (request, options) => leases.renew({ ...request, leaseMs: request.leaseMs / 2 }, options),
      })),
    },
  },
  {
    name: 'requests-not-numbered',
    planted: 'Every request has the same number.',
    member: {
      leases: altered((leases) => ({
        acquire: (request, options) => leases.acquire({ ...request, attempt: 1 }, options),
      })),
    },
  },
  {
    name: 'beats-repeated',
    planted: 'Every renewal of a term has the same beat.',
    member: {
      leases: altered((leases) => ({
        renew: (request, options) => leases.renew({ ...request, beat: 1 }, options),
      })),
    },
  },
];

export const memberMutants: readonly MemberMutant[] = [...beliefs, ...answers, ...requests];
