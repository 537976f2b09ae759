import type { Clock, TimerId } from '../runtime/clock.ts';
import type { RedisNode } from './client.ts';
import type { RedisEndpoint } from './settings-shape.ts';
import type { Backoff } from './topology-backoff.ts';

/**
 * Has a client leave the server that it is connected to, and ask the Sentinels anew. One that is asking them now would
 * be ended for good by that, so that it leaves what it finds, which may be the former primary, as soon as it stands.
 */
export function reconnector(client: RedisNode): () => void {
  let isDue = false;
  client.on('connect', () => {
    if (isDue) client.disconnect(true);
    isDue = false;
  });
  client.on('close', () => (isDue = false));
  return () => {
    // ioredis sets it when it has asked; that of an attempt before is destroyed.
    const { stream } = client as { readonly stream?: { readonly destroyed: boolean } | null };
    const isConnecting = client.status === 'connecting';
    const stands = client.status === 'connect' || client.status === 'ready';
    if (stands || (isConnecting && stream?.destroyed === false)) client.disconnect(true);
    else isDue = isConnecting;
  };
}

/** Where the Sentinels say what they have decided. */
const CHANNEL = '+switch-master';

export interface SentinelWatchOptions {
  readonly name: string;
  readonly sentinels: readonly RedisEndpoint[];
  /** A connection to one Sentinel that does not reconnect by itself. */
  readonly connect: (sentinel: RedisEndpoint) => RedisNode;
  readonly clock: Clock;
  readonly backoff: Backoff;
  /** Another server is the primary. */
  readonly onSwitch: () => void;
}

/**
 * Hears from the Sentinels that another server is the primary. Without it a client of the former one learns that only
 * when that one is told, too, which may take ten seconds in which it accepts writes that will be lost.
 *
 * One Sentinel at a time is listened to; when it goes away, the next. None at all is no error: the connection to the
 * primary goes on without.
 */
export class SentinelWatch {
  readonly #options: SentinelWatchOptions;
  #next = 0;
  #node: RedisNode | null = null;
  #timer: TimerId = null;
  #primary: string | null = null;
  #closed = false;

  constructor(options: SentinelWatchOptions) {
    this.#options = options;
    void this.#listen();
  }

  close(): void {
    this.#closed = true;
    this.#options.clock.clearTimeout(this.#timer);
    this.#node?.disconnect();
  }

  async #listen(): Promise<void> {
    const { sentinels, name, connect, backoff } = this.#options;
    const sentinel = sentinels[this.#next % sentinels.length];
    this.#next += 1;
    if (sentinel === undefined) return;
    const node = connect(sentinel);
    this.#node = node;
    // The one who opens the connection to the primary tells what is wrong with Sentinels.
    node.on('error', () => {});
    node.on('end', () => this.#again());
    node.on('message', (_, text) => {
      const [which, , , host, port] = String(text).split(' ');
      if (which === name) this.#heard(`${host}:${port}`);
    });
    try {
      await node.connect();
      backoff.ready();
      const address = await node.call('SENTINEL', 'get-master-addr-by-name', name);
      if (Array.isArray(address)) this.#heard(address.join(':'));
      await node.subscribe(CHANNEL);
    } catch {
      node.disconnect();
    }
  }

  #heard(primary: string): void {
    const before = this.#primary;
    this.#primary = primary;
    if (before !== null && before !== primary) this.#options.onSwitch();
  }

  #again(): void {
    if (this.#closed) return;
    const { clock, backoff } = this.#options;
    this.#timer = clock.setTimeout(() => void this.#listen(), backoff.nextMs());
  }
}
