/**
 * One member on Redis as a process of its own: `URL JOURNAL NAME LEASE_MS`. Writes a fenced line as soon as it leads;
 * when it wakes from a standstill it says whether it leads, before anything else has run, and tries to write once more
 * with the token it had.
 */
import { createLeaderElection, LeadershipError } from 'conclave';
import { runFenced } from 'conclave/fencing';
import { redisLeases } from 'conclave/redis';
import { sqliteJournal } from 'conclave/sqlite';
import { Redis } from 'ioredis';
import { WakeProbe } from '../../src/cli/wake-probe.ts';
import { FENCE, LINES } from './redis-faults-keys.ts';

export type Told =
  | {
      readonly type: 'ready' | 'leads' | 'lost';
      readonly token: string;
      readonly id: string;
      readonly mono: number;
    }
  | { readonly type: 'woke'; readonly isLeader: boolean; readonly gapMs: number }
  | { readonly type: 'wrote'; readonly token: string; readonly outcome: 'written' | 'refused' };

const [url = '', journalPath = '', name = '', leaseMs = ''] = process.argv.slice(2);
const tell = (told: Told) => {
  if (process.connected) process.send?.(told);
};

const data = new Redis(url);
data.on('error', () => {});
const leases = redisLeases(url, { freshStore: 'trust' });
const journal = sqliteJournal({ path: journalPath });
let token: bigint | null = null;

const probe = new WakeProbe(({ gapMs }) => {
  if (gapMs < Number(leaseMs)) return;
  tell({ type: 'woke', isLeader: election.isLeader, gapMs });
  if (token !== null) void write(token);
});
const election = createLeaderElection({
  resource: 'faults',
  candidateId: name,
  leases,
  journal,
  leaseDurationMs: Number(leaseMs),
  clock: probe.clock,
});

async function write(writer: bigint): Promise<void> {
  try {
    const script = `return redis.call('RPUSH', KEYS[1], ARGV[1])`;
    await runFenced(data, { fence: FENCE, token: writer, script, keys: [LINES], args: [String(writer)] });
    tell({ type: 'wrote', token: String(writer), outcome: 'written' });
  } catch (error) {
    if (!(error instanceof LeadershipError)) throw error;
    tell({ type: 'wrote', token: String(writer), outcome: 'refused' });
  }
}

const say = (type: 'ready' | 'leads' | 'lost', of: bigint) =>
  tell({
    type,
    token: String(of),
    id: election.candidateId,
    mono: performance.timeOrigin + performance.now(),
  });
election.on('becameLeader', (event) => {
  token = event.token;
  say('leads', event.token);
  void write(event.token);
});
election.on('lostLeadership', (event) => say('lost', event.token));

async function end(): Promise<void> {
  await election.stop();
  await leases.close();
  await journal.close();
  probe[Symbol.dispose]();
  data.disconnect();
  process.disconnect();
}
process.on('message', () => void end());
process.on('disconnect', () => process.exit(0));
await election.start();
say('ready', 0n);
