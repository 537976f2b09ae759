/** One contestant as a process of its own: `member.ts NAME URL KEY LEASE_MS`, told and telling over IPC. */
import { flushCompileCache } from 'node:module';
import { CONTESTANTS, type ContestantName } from './contestants.ts';

/** What a member tells. `mono` is monotonic and common to all processes of a host. */
export type Told =
  | { readonly type: 'ready' | 'leads' | 'lost'; readonly mono: number }
  /** The first thing it does after a standstill: what it answers to whoever asks whether it leads. */
  | { readonly type: 'woke'; readonly mono: number; readonly isLeader: boolean };

const PROBE_MS = 10;
/** A gap this long is a standstill, not a busy moment. */
const STANDSTILL_MS = 1000;

export const monotonicMs = (): number => Number(process.hrtime.bigint()) / 1e6;

if (process.send !== undefined) {
  const [name = '', url = '', key = '', leaseMs = ''] = process.argv.slice(2);
  const tell = (told: Told) => {
    if (process.connected) process.send?.(told);
  };
  const contestant = await CONTESTANTS[name as ContestantName]({
    url,
    key,
    leaseMs: Number(leaseMs),
    leads: () => tell({ type: 'leads', mono: monotonicMs() }),
    lost: () => tell({ type: 'lost', mono: monotonicMs() }),
  });
  let last = monotonicMs();
  setInterval(() => {
    const mono = monotonicMs();
    if (mono - last > STANDSTILL_MS) tell({ type: 'woke', mono, isLeader: contestant.isLeader() });
    last = mono;
  }, PROBE_MS);
  process.on('message', (told) => {
    if (told === 'resign') void contestant.resign?.();
    else void contestant.stop().finally(() => process.exit(0));
  });
  process.on('disconnect', () => process.exit(0));
  flushCompileCache();
  tell({ type: 'ready', mono: monotonicMs() });
}
