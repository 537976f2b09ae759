import type { Failure, LeadershipEmitted } from '../../machines/index.ts';
import type { Comment } from '../commentator.ts';
import type { LeaseStoreDescription } from '../lease/lease-store.ts';

/** Errors that say that the store was not reached, or not in time. */
const NOT_REACHED: ReadonlySet<string> = new Set(['STORE_UNAVAILABLE', 'STORE_TIMEOUT']);

type StoreKind = LeaseStoreDescription['kind'];

/** What operators look for who have a Redis. */
function storeFailure({ code, message }: Failure, kind: StoreKind | null): string {
  const what =
    kind === 'redis' && NOT_REACHED.has(code) ? 'Redis connection failed' : 'Lease store unavailable';
  return `${what}: ${message}`;
}

const seconds = (ms: number): string => `${(ms / 1000).toFixed(1)} s`;

const WAITS = {
  firstTerm: (wait: string) => `First term on this store: waiting ${wait} to be sure that nobody leads`,
  dataLoss: (wait: string) => `The store lost its data: waiting ${wait} until no earlier leader can believe`,
  resigned: (wait: string) => `Sitting out after resigning, until another leads or ${wait} have passed`,
  journalFailed: (wait: string) => `Staying away for ${wait}: the journal fails and its policy is stop`,
  unanswered: (wait: string) =>
    `The store answers nothing: leaving the field to others for ${wait}, for requests may arrive all the same`,
};

/** One line for each fact worth one; null for what would only be noise. */
export function comment(event: LeadershipEmitted, store: StoreKind | null = null): Comment | null {
  switch (event.type) {
    case 'becameLeader':
      return { level: 'info', message: `Leadership acquired (term ${event.term}, token ${event.token})` };
    case 'lostLeadership': {
      const expected = event.cause === 'released' || event.cause === 'stopped';
      const level = expected ? 'info' : 'warn';
      return { level, message: `Leadership lost: ${event.cause} (term ${event.term}, token ${event.token})` };
    }
    case 'newLeaderObserved':
      return { level: 'info', message: `New leader observed: ${event.leader} (token ${event.token})` };
    case 'renewalFailed':
      return {
        level: 'warn',
        message: `Renewal failed, ${seconds(event.remainingMs)} left: ${event.error.message}`,
      };
    case 'storeUnavailable':
      return { level: 'error', message: storeFailure(event.error, store) };
    case 'storeRecovered':
      return { level: 'info', message: `${store === 'redis' ? 'Redis' : 'Lease store'} available again` };
    case 'journalFailed': {
      const then = event.policy === 'stop' ? 'giving leadership up' : 'leadership goes on';
      return { level: 'error', message: `Journal failed (${then}): ${event.error.message}` };
    }
    case 'namesakeObserved':
      return {
        level: 'warn',
        message: `Another live member is called "${event.name}" too (${event.id}). Give each its own name, unless this is a rolling update`,
      };
    case 'waiting':
      return { level: 'info', message: WAITS[event.reason](seconds(event.forMs)) };
    case 'vacancyObserved':
      return { level: 'debug', message: 'Nobody is known to lead' };
    case 'renewed':
      return event.restored
        ? { level: 'warn', message: 'The store had lost the lease; it was restored' }
        : { level: 'debug', message: 'Lease renewed' };
    case 'electionStarted':
      return { level: 'debug', message: 'Asking for the lease' };
    case 'leaderChanged':
      return null;
  }
}
