import { describe, expect, test, vi } from 'vitest';
import { type LeaseStore, StoreUnavailableError } from '../../src/index.ts';
import { elapse } from './elapse.ts';
import { LEASE, useMembers } from './election-members.ts';

const never = new Promise<never>(() => {});

describe('a member whose requests arrive and whose answers do not', () => {
  const members = useMembers();

  /** The store as it sees it. */
  const unanswered = (): LeaseStore => {
    const { leases } = members;
    const asking = async (call: Promise<unknown>) => {
      await call;
      return never;
    };
    return {
      acquire: (...args) => asking(leases.acquire(...args)),
      renew: (...args) => asking(leases.renew(...args)),
      release: (...args) => asking(leases.release(...args)),
      read: (...args) => asking(leases.read(...args)),
      watch: (resource) => leases.watch(resource),
      describe: () => leases.describe(),
      close: () => leases.close(),
      [Symbol.asyncDispose]: () => leases.close(),
    };
  };

  test('wins a lease again and again without knowing, but leaves the others their turn', async () => {
    const deaf = members.member('deaf', { leases: unanswered() });
    const acquire = vi.spyOn(members.leases, 'acquire');
    await deaf.start();
    const other = await members.started('other');
    await elapse(members.clock, 4 * LEASE);
    expect(acquire).toHaveBeenCalled();
    expect(deaf.isLeader).toBe(false);
    expect(other.isLeader).toBe(true);
  });

  test('says that it does', async () => {
    const deaf = members.member('deaf', { leases: unanswered() });
    const waits: unknown[] = [];
    deaf.on('waiting', (wait) => waits.push(wait));
    await deaf.start();
    await elapse(members.clock, LEASE);
    expect(waits).toMatchObject([{ type: 'waiting', reason: 'unanswered' }]);
  });

  test('asks on soon where it is told that nothing was executed', async () => {
    const refused = new StoreUnavailableError('STORE_UNAVAILABLE', 'refused', { outcomeUnknown: false });
    const acquire = vi.spyOn(members.leases, 'acquire').mockRejectedValue(refused);
    const member = await members.started('member');
    await elapse(members.clock, LEASE);
    acquire.mockRestore();
    await elapse(members.clock, LEASE / 3);
    expect(member.isLeader).toBe(true);
  });
});
