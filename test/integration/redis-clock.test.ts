/** Steps of the server's wall clock, which leases are counted by: a living leader and those who watch are not fooled. */
import { expect, test } from 'vitest';
import { hasCompiler, makeClockShim } from '../redis/clock-shim.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { LEASE_MS, Members, startApart, STEADY, tokenOf } from './redis-members.ts';

describeRedis.concurrent('a step of the clock of Redis', () => {
  test.for([3600, 60, -60, -3600])('by %d s does not end the term', async (seconds, { skip }) => {
    if (!hasCompiler()) return skip('gcc is missing, which makes the clock that can be stepped');
    using clock = makeClockShim();
    await using redis = await startRedis({ env: clock.env });
    const before = Number((await redis.cli('time')).split('\n')[0]);
    await using members = await Members.start({ urls: redis.url, ...STEADY });
    const leader = await members.settled();
    const token = tokenOf(leader);
    clock.set(seconds);
    const stepped = Number((await redis.cli('time')).split('\n')[0]) - before;
    expect(Math.abs(stepped - seconds)).toBeLessThan(30);
    const since = performance.now();
    await members.told(leader, 'renewed', { since });
    await members.told(leader, 'renewed', { since: performance.now() });
    expect(tokenOf(leader)).toBe(token);
    expect(await members.verdict()).toEqual([]);
    return undefined;
  });

  test.for([3600, -3600])(
    'by %d s while the leader is gone changes nothing for those who watched',
    async (seconds, { skip }) => {
      if (!hasCompiler()) return skip('gcc is missing, which makes the clock that can be stepped');
      using clock = makeClockShim();
      await using redis = await startRedis({ env: clock.env });
      await using apart = await startApart(redis);
      const { members } = apart;
      const leader = await members.settled();
      const token = tokenOf(leader);
      const since = performance.now();
      apart.linkOf(leader).drop();
      clock.set(seconds);
      await members.successorOf(token);
      expect(performance.now() - since).toBeGreaterThan(LEASE_MS / 2);
      expect(performance.now() - since).toBeLessThan(20 * LEASE_MS);
      await members.verdict();
      return undefined;
    },
  );
});
