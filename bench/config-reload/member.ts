/** One member as a process of its own: `member.ts FILE URL NAME`, which tells over IPC what comes into force, and when. */
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
  const [file = '', url = '', name = ''] = process.argv.slice(2);
  const tell = (told: Told) => {
    if (process.connected) process.send?.(told);
  };
  const leases = redisLeases(url, { freshStore: 'trust' });
  const store = redisHead(url);
  const config = createConfigReload({
    source: file,
    schema,
    store,
    leases,
    memberId: name,
    timings: { quietMs: QUIET_MS },
  });
  const at = (type: 'proposed' | 'heard' | 'applied') =>
    tell({ type, mono: monotonicMs(), port: config.current.port });
  await config.start();
  config.on('proposed', () => at('proposed'));
  config.on('reloadStarted', () => at('heard'));
  config.on('applied', () => at('applied'));
  tell({ type: 'started' });
  process.on('disconnect', () => {
    void config
      .stop()
      .then(() => Promise.all([store.close(), leases.close()]))
      .finally(() => process.exit(0));
  });
}
