import type { RedisClient } from './client.ts';

/**
 * Something to do before each attempt to connect, the first and every later one: ask for fresh credentials, find out
 * which server is the primary. ioredis has no place for it, but reconnects through its own public `connect`.
 */
export interface BeforeConnect {
  /** Changes what the attempt uses; may throw. */
  readonly prepare: () => Promise<void>;
  /** Told why a preparation failed. */
  readonly onFailure: (error: unknown) => void;
  /** Waits before the next try. */
  readonly pause: () => Promise<void>;
}

/** The parts of a client that are replaced or set; `status` is what ioredis itself goes by. */
interface Changeable {
  status: string;
  connect: (...args: unknown[]) => Promise<unknown>;
  disconnect: (reconnect?: boolean) => void;
  on(event: string, listener: () => void): unknown;
  emit(event: string): unknown;
}

/**
 * From now on each `connect` of the client is prepared first; a failing preparation is tried again until it is closed.
 *
 * So is an attempt after which ioredis would never try again. A cluster goes to "close" each time one of its connections
 * ends while there is no other, also at the late end of one from an earlier attempt (of a node that hangs, say). If that
 * comes while the next attempt still looks up names, the attempt is given up and none follows.
 */
export function beforeEachConnect(client: RedisClient, { prepare, onFailure, pause }: BeforeConnect): void {
  const changeable = client as unknown as Changeable;
  const connect = changeable.connect.bind(changeable);
  const disconnect = changeable.disconnect.bind(changeable);
  let preparing = false;
  let closed = false;
  /** Between two attempts, whatever its status has become meanwhile. */
  let pausing = false;
  const isClosed = () => closed;
  changeable.on('reconnecting', () => (pausing = true));

  changeable.disconnect = (reconnect = false) => {
    // Closed for good: not opened again by who wants another connection.
    closed ||= !reconnect;
    if (closed && reconnect) return;
    const wasPausing = pausing || changeable.status === 'reconnecting';
    disconnect(reconnect);
    if (closed && wasPausing) end();
  };
  changeable.connect = async (...args) => {
    if (preparing) throw new Error('Already connecting.');
    preparing = true;
    await prepared(isClosed);
    preparing = false;
    if (!closed) return attempt(args);
    end();
    throw new Error('Connection is closed.');
  };

  async function attempt(args: unknown[]): Promise<unknown> {
    pausing = false;
    try {
      return await connect(...args);
    } catch (error) {
      if (changeable.status === 'close' && !pausing && !closed) void again(args);
      throw error;
    }
  }

  async function again(args: unknown[]): Promise<void> {
    pausing = true;
    await pause();
    if (!closed && pausing) await changeable.connect(...args).catch(() => {});
  }

  /** Closed in between two attempts; ioredis would leave it at "reconnecting". */
  function end(): void {
    if (changeable.status === 'end') return;
    changeable.status = 'end';
    changeable.emit('end');
  }

  async function prepared(isOver: () => boolean): Promise<void> {
    while (!isOver()) {
      try {
        return await prepare();
      } catch (error) {
        onFailure(error);
        await pause();
      }
    }
  }
}
