/**
 * One process with a lease store: performs what it is told over IPC and says what it hears. Times it reports are
 * wall times, which processes of any time namespace share.
 */
import { StoreUnavailableError } from '../../src/errors.ts';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import type {
  AcquireRequest,
  KnownLoss,
  LeaseSignal,
  LeaseStore,
  Observation,
} from '../../src/lease/lease-store.ts';
import { sqliteLeases } from '../../src/sqlite.ts';

export type Command =
  | { readonly op: 'open'; readonly path: string; readonly freshStore: 'wait' | 'trust' }
  | { readonly op: 'acquire' | 'renew' | 'release'; readonly ask: object }
  | { readonly op: 'read' | 'watch'; readonly resource: string }
  | {
      readonly op: 'contend';
      readonly resource: string;
      readonly id: string;
      readonly leaseMs: number;
      readonly terms: number;
    };

export type Told =
  | { readonly call: number; readonly answer: unknown; readonly startedAt: number; readonly tookMs: number }
  | { readonly call: number; readonly error: { code: string; outcomeUnknown: unknown; message: string } }
  | { readonly signal: LeaseSignal; readonly at: number };

/** A stretch of time in which a member believed that it leads. */
export interface Belief {
  readonly from: number;
  readonly to: number;
  readonly token: bigint;
}

const wallMs = () => performance.timeOrigin + performance.now();
const options = { signal: new AbortController().signal };
const pause = (ms: number) => new Promise((resolve) => setTimeout(resolve, Math.max(ms, 1)));
let leases: LeaseStore;

const say = (told: Told) => process.send?.(told);

process.on('message', (message: Command & { readonly call: number }) => {
  const startedAt = wallMs();
  perform(message).then(
    (answer) => say({ call: message.call, answer, startedAt, tookMs: wallMs() - startedAt }),
    (error: unknown) => {
      const { code = '', outcomeUnknown } = error as { code?: string; outcomeUnknown?: boolean };
      say({ call: message.call, error: { code, outcomeUnknown, message: String(error) } });
    },
  );
});
process.on('disconnect', () => process.exit());

async function perform(command: Command): Promise<unknown> {
  switch (command.op) {
    case 'open':
      leases = sqliteLeases({ path: command.path, freshStore: command.freshStore });
      return leases.read('warm-up', options);
    case 'acquire':
      return leases.acquire(command.ask as AcquireRequest, options);
    case 'renew':
      return leases.renew(command.ask as Parameters<LeaseStore['renew']>[0], options);
    case 'release':
      return leases.release(command.ask as Parameters<LeaseStore['release']>[0], options);
    case 'read':
      return leases.read(command.resource, options);
    case 'watch':
      leases.watch(command.resource).subscribe((signal) => say({ signal, at: wallMs() }));
      return leases.read(command.resource, options);
    case 'contend':
      return contend(command);
  }
}

/** A member in small: waits as it is told, counts by its own clock, leads for a while, and lets the lease run out. */
async function contend({
  resource,
  id,
  leaseMs,
  terms,
}: Extract<Command, { op: 'contend' }>): Promise<Belief[]> {
  const beliefs: Belief[] = [];
  let observed = null as (Omit<Observation, 'forMs'> & { readonly since: number }) | null;
  let loss = null as (Omit<KnownLoss, 'forMs'> & { readonly since: number }) | null;
  let seen = 0n;
  for (let attempt = 1; beliefs.length < terms; attempt += 1) {
    const sentAt = performance.now();
    const sentWall = wallMs();
    const ask: AcquireRequest = {
      resource,
      id,
      attempt,
      leaseMs,
      graceMs: 0,
      longestMs: leaseMs,
      seen,
      nonce: `${id}-${attempt}`,
      observed: observed && { ...observed, forMs: sentAt - observed.since },
      loss: loss && { ...loss, forMs: sentAt - loss.since },
    };
    const reply = await leases.acquire(ask, options).catch((error: unknown) => {
      // Another held the file's lock for too long, as a busy disk makes it: ask again, as any member does.
      if (error instanceof StoreUnavailableError) return null;
      throw error;
    });
    if (reply === null) continue;
    const now = performance.now();
    if (reply.kind === 'stale') throw new Error(`attempt ${attempt} is stale`);
    if (reply.token > seen) seen = reply.token;
    if (reply.kind === 'won') {
      beliefs.push({ from: wallMs(), to: sentWall + leaseMs / DRIFT_FACTOR, token: reply.token });
      // Leaves room for the others: what is renewed never ends.
      await pause(leaseMs * 1.5);
      continue;
    }
    if (reply.kind === 'quarantined') {
      if (loss?.id !== reply.lossId) loss = { id: reply.lossId, since: now - reply.waitedMs };
    } else if (
      observed?.holder !== reply.holder ||
      observed.token !== reply.token ||
      observed.beat !== reply.beat
    ) {
      observed = { holder: reply.holder, token: reply.token, beat: reply.beat, since: now - reply.ageMs };
    }
    await pause(reply.remainingMs);
  }
  return beliefs;
}
