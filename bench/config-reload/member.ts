/** Members in a process: `member.ts FILE URL NAME…`, which tells over IPC what comes into force, and when. */
import { createConfigReload } from '../../src/config.ts';
import { redisHead, redisLeases } from '../../src/redis.ts';
import { z } from 'zod';

/** What a member tells. `mono` is monotonic and common to all processes of a host. */
export type Told =
  | { readonly type: 'started' }
  | {
      readonly type: 'proposed' | 'heard' | 'applied';
      readonly mono: number;
      readonly port: number;
    };

export const QUIET_MS = 300;

/** As many keys as a service of some size has. */
export const schema = z.object({
  port: z.number(),
  routes: z.array(z.object({ path: z.string(), to: z.string(), timeoutMs: z.number() })),
});

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

if (process.send !== undefined) {
  const [file = '', url = '', ...names] = process.argv.slice(2);
  const tell = (told: Told) => {
    if (process.connected) process.send?.(told);
  };
  const members = await Promise.all(
    names.map(async (memberId) => {
      const [leases, store] = [redisLeases(url, { freshStore: 'trust' }), redisHead(url)];
      const timings = { quietMs: QUIET_MS };
      const config = createConfigReload({ source: file, schema, store, leases, memberId, timings });
      await config.start();
      for (const [event, type] of [
        ['proposed', 'proposed'],
        ['reloadStarted', 'heard'],
        ['applied', 'applied'],
      ] as const)
        config.on(event, () => tell({ type, mono: monotonicMs(), port: config.current.port }));
      return { config, leases, store };
    }),
  );
  tell({ type: 'started' });
  const stop = async () => {
    await Promise.all(members.map(({ config }) => config.stop()));
    await Promise.all(members.flatMap(({ leases, store }) => [leases.close(), store.close()]));
  };
  process.on('disconnect', () => void stop().finally(() => process.exit(0)));
}
