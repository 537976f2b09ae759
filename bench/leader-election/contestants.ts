/**
 * The contestants, each behind the same few words: starts contending, says when it leads and when it knows that it
 * does not any more, gives leadership up when told to.
 *
 * Every option is at its library's default but the lease. Libraries of locks are wrapped in the loop that anybody
 * would write: ask again for ever, hold until told otherwise.
 */
import { Redis } from 'ioredis';
import { createLeaderElection } from '../../src/index.ts';
import { redisLeases } from '../../src/redis.ts';

export interface Contest {
  readonly url: string;
  readonly key: string;
  readonly leaseMs: number;
  readonly leads: () => void;
  readonly lost: () => void;
}

export interface Contestant {
  /** What a caller is told who asks at this moment. */
  isLeader(): boolean;
  /** Gives leadership up and ends. */
  stop(): Promise<void>;
  /** Gives leadership up and goes on contending. */
  resign?(): Promise<void>;
}

type Start = (contest: Contest) => Promise<Contestant>;

/** The wait between two tries of those that poll, where they have no default. */
const WAIT_MS = 1000;

interface Emitter {
  on(event: string, listener: (...args: unknown[]) => void): unknown;
}

/** Untyped on purpose: the peers are installed by those only who run the comparison. */
const load = async <T>(name: string): Promise<T> => (await import(name)) as T;

function connect(url: string): Redis {
  const redis = new Redis(url);
  redis.on('error', () => {});
  return redis;
}

/** Keeps what the library last said; says it on. */
function flag({ leads, lost }: Contest) {
  let leading = false;
  return {
    isLeader: () => leading,
    set(now: boolean) {
      if (leading === now) return;
      leading = now;
      if (now) leads();
      else lost();
    },
  };
}

const conclave: Start = async ({ url, key, leaseMs, leads, lost }) => {
  const leases = redisLeases(url);
  const election = createLeaderElection({ resource: key, leases, leaseDurationMs: leaseMs });
  election.on('becameLeader', leads);
  election.on('lostLeadership', lost);
  await election.start();
  return {
    isLeader: () => election.isLeader,
    resign: () => election.resign(),
    stop: async () => {
      await election.stop();
      await leases.close();
    },
  };
};

const redisLeader: Start = async (contest) => {
  interface Leader extends Emitter {
    elect(): void;
    stop(): void;
  }
  type Options = { key: string; ttl: number; wait: number };
  const { default: Leader } = await load<{ default: new (redis: Redis, options: Options) => Leader }>(
    'redis-leader',
  );
  const redis = connect(contest.url);
  const leader = new Leader(redis, { key: contest.key, ttl: contest.leaseMs, wait: WAIT_MS });
  const state = flag(contest);
  leader.on('elected', () => state.set(true));
  leader.on('revoked', () => state.set(false));
  leader.on('error', () => {});
  leader.elect();
  return {
    isLeader: state.isLeader,
    stop: () =>
      new Promise((resolve) => {
        if (!state.isLeader()) return resolve(leader.stop());
        leader.on('revoked', () => resolve());
        return leader.stop();
      }),
  };
};

const safeRedisLeader: Start = async (contest) => {
  interface Leader extends Emitter {
    elect(): Promise<void>;
    shutdown(): Promise<void>;
  }
  type Options = { asyncRedis: Redis; key: string; ttl: number; wait: number };
  interface Library {
    createSafeRedisLeader(options: Options): Promise<Leader>;
  }
  const { default: library } = await load<{ default: Library }>('safe-redis-leader');
  const asyncRedis = connect(contest.url);
  const { key, leaseMs: ttl } = contest;
  const leader = await library.createSafeRedisLeader({ asyncRedis, key, ttl, wait: WAIT_MS });
  const state = flag(contest);
  leader.on('elected', () => state.set(true));
  leader.on('demoted', () => state.set(false));
  leader.on('error', () => {});
  void leader.elect();
  return { isLeader: state.isLeader, stop: () => leader.shutdown() };
};

interface LossSignal {
  readonly aborted: boolean;
  addEventListener(type: 'abort', listener: () => void): void;
}

/** Asks for the lock again and again, and holds it until told to stop or told that it is lost. */
function holdForEver(
  contest: Contest,
  hold: (held: (signal: LossSignal) => Promise<void>) => Promise<unknown>,
) {
  const state = flag(contest);
  const asked = Promise.withResolvers<void>();
  const run = { stopping: false };
  const loop = (async () => {
    while (!run.stopping) {
      try {
        await hold(async (signal) => {
          state.set(true);
          await Promise.race([
            asked.promise,
            new Promise<void>((resolve) => signal.addEventListener('abort', resolve)),
          ]);
          // What is released in order is given up when the release is on its way.
          state.set(false);
        });
      } catch {
        state.set(false);
        await new Promise((resolve) => setTimeout(resolve, 10));
      }
    }
  })();
  return {
    isLeader: state.isLeader,
    stop: async () => {
      run.stopping = true;
      asked.resolve();
      if (state.isLeader()) await loop;
    },
  };
}

const redlock: Start = async (contest) => {
  interface Redlock extends Emitter {
    using(keys: string[], ttl: number, work: (signal: LossSignal) => Promise<void>): Promise<void>;
  }
  const { default: Class } = await load<{ default: new (clients: Redis[]) => Redlock }>('redlock');
  const locks = new Class([connect(contest.url)]);
  locks.on('error', () => {});
  return holdForEver(contest, (held) => locks.using([contest.key], contest.leaseMs, held));
};

const redlockUniversal: Start = async (contest) => {
  interface Library {
    createLock(options: { adapter: object; key: string; ttl: number }): {
      using(work: (signal: LossSignal) => Promise<void>): Promise<void>;
    };
    IoredisAdapter: new (redis: Redis) => object;
  }
  const library = await load<Library>('redlock-universal');
  const adapter = new library.IoredisAdapter(connect(contest.url));
  const lock = library.createLock({ adapter, key: contest.key, ttl: contest.leaseMs });
  return holdForEver(contest, (held) => lock.using(held));
};

const redisSemaphore: Start = async (contest) => {
  interface Mutex {
    acquire(): Promise<void>;
    release(): Promise<void>;
  }
  type Options = { lockTimeout: number; onLockLost: () => void };
  interface Library {
    Mutex: new (redis: Redis, key: string, options: Options) => Mutex;
  }
  const { Mutex } = await load<Library>('redis-semaphore');
  const redis = connect(contest.url);
  return holdForEver(contest, async (held) => {
    const lost = new AbortController();
    const options = { lockTimeout: contest.leaseMs, onLockLost: () => lost.abort() };
    const mutex = new Mutex(redis, contest.key, options);
    await mutex.acquire();
    try {
      await held(lost.signal);
    } finally {
      await mutex.release();
    }
  });
};

export const CONTESTANTS = {
  conclave,
  'redis-leader': redisLeader,
  'safe-redis-leader': safeRedisLeader,
  redlock,
  'redlock-universal': redlockUniversal,
  'redis-semaphore': redisSemaphore,
} as const satisfies Record<string, Start>;

export type ContestantName = keyof typeof CONTESTANTS;
