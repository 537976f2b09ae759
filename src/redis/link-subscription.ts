import { BehaviorSubject, type Observable } from 'rxjs';
import type { Clock, TimerId } from '../runtime/clock.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { isCluster, type RedisClient, type RedisNode } from './client.ts';

/** A subscriber on which nothing came for this long is asked whether it is still connected. */
export const QUIET_MAX_MS = 20_000;
/** How long the answer may take before the connection is given up for a new one. */
export const PONG_MAX_MS = 5000;
/** How long after a channel was denied it is tried again over the same connection. */
export const DENIED_RETRY_MS = 60_000;
/** How long after the end of a connection, or a failure to open one, the next is opened. */
const REOPEN_MS = 1000;

/** Options of a subscriber made from an application's own connection, or from that to a node of a cluster. */
const SUBSCRIBER_OPTIONS = {
  keyPrefix: '',
  enableOfflineQueue: false,
  enableReadyCheck: true,
  autoResubscribe: false,
  autoResendUnfulfilledCommands: false,
  maxRetriesPerRequest: 0,
  lazyConnect: false,
  monitor: false,
  // Another is opened in its place, to another node where there are several.
  retryStrategy: null,
};

/** A subscriber that goes where a connection goes: to a random node of a cluster, for each hears what any is told. */
export function subscriberBeside(client: RedisClient, randomness: Randomness): RedisNode | null {
  if (!isCluster(client)) return client.duplicate(SUBSCRIBER_OPTIONS);
  const nodes = client.nodes('all');
  const ready = nodes.filter(({ status }) => status === 'ready');
  const among = ready.length > 0 ? ready : nodes;
  return among[Math.floor(randomness.unit() * among.length)]?.duplicate(SUBSCRIBER_OPTIONS) ?? null;
}

export type SubscriptionState = 'idle' | 'connecting' | 'ready' | 'lost';

export interface SubscriptionOptions {
  /** Opens a connection for nothing but subscriptions; null if there is none to be had now. */
  readonly open: () => Promise<RedisNode | null>;
  readonly clock: Clock;
  readonly onMessage: (channel: string, message: string) => void;
  /** The channel is heard from now on; `missed` if it should have been before. */
  readonly onHeard: (channel: string, missed: boolean) => void;
  /** The user may not hear this channel; told once, until it may. Others are heard, and this one is tried again. */
  readonly onDenied?: (channel: string) => void;
}

/** All channels of a store over one connection, opened with the first of them. It is silent, and asked when too long. */
export class RedisSubscription {
  readonly #options: SubscriptionOptions;
  readonly #state = new BehaviorSubject<SubscriptionState>('idle');
  /** Whether each channel is heard; `missed` if it was, or should have been. */
  readonly #channels = new Map<string, 'new' | 'heard' | 'missed' | 'denied'>();
  /** Told of as denied. */
  readonly #denied = new Set<string>();
  #node: RedisNode | null = null;
  #opening = false;
  #isDue = false;
  #quiet: TimerId = null;
  #reopen: TimerId = null;
  #retry: TimerId = null;
  #closed = false;

  constructor(options: SubscriptionOptions) {
    this.#options = options;
  }

  /** Completes when it is closed. */
  get state$(): Observable<SubscriptionState> {
    return this.#state;
  }

  /** Whether what is said on the channel is heard now. */
  hears(channel: string): boolean {
    return this.#channels.get(channel) === 'heard';
  }

  add(channel: string): void {
    this.#channels.set(channel, 'new');
    if (this.#node === null) void this.#open();
    else this.#subscribeSoon();
  }

  remove(channel: string): void {
    this.#channels.delete(channel);
    this.#denied.delete(channel);
    if (this.#node?.status === 'ready') this.#node.unsubscribe(channel).catch(() => {});
  }

  close(): void {
    this.#closed = true;
    this.#clear(this.#quiet);
    this.#clear(this.#reopen);
    this.#clear(this.#retry);
    this.#drop();
    this.#state.complete();
  }

  async #open(): Promise<void> {
    if (this.#opening || this.#closed) return;
    this.#opening = true;
    if (this.#state.value === 'idle') this.#tell('connecting');
    const node = await this.#options.open().catch(() => null);
    this.#opening = false;
    if (this.#closed) {
      node?.disconnect();
      return;
    }
    if (node === null) {
      this.#miss();
      return;
    }
    this.#node = node;
    node.on('message', this.#heard);
    node.on('ready', this.#subscribeSoon);
    node.on('close', this.#lost);
    node.on('end', this.#ended);
    // Told by `close` and the state; without a listener ioredis prints it.
    node.on('error', ignore);
    if (node.status === 'ready') this.#subscribeSoon();
  }

  /** Channels that come in the same turn are subscribed together. */
  readonly #subscribeSoon = () => {
    if (this.#isDue) return;
    this.#isDue = true;
    queueMicrotask(() => {
      this.#isDue = false;
      void this.#subscribe();
    });
  };

  async #subscribe(): Promise<void> {
    const node = this.#node;
    const silent = [...this.#channels]
      .filter(([, state]) => state === 'new' || state === 'missed')
      .map(([channel]) => channel);
    if (node?.status !== 'ready') return;
    let denied: ReadonlySet<string>;
    try {
      denied = await subscribe(node, silent);
    } catch {
      // Not connected any more, or refused; a connection that stands is tried again with a new one.
      if (node !== this.#node) return;
      this.#miss();
      node.disconnect();
      return;
    }
    if (node !== this.#node || node.status !== 'ready') return;
    const hears = silent.some((channel) => !denied.has(channel));
    if (hears || silent.length === 0 || this.#state.value === 'ready') this.#tell('ready');
    else this.#tell('lost');
    this.#listen();
    for (const channel of denied) this.#deny(channel);
    for (const channel of silent) {
      if (denied.has(channel)) continue;
      this.#denied.delete(channel);
      const state = this.#channels.get(channel);
      if (state === undefined) continue;
      this.#channels.set(channel, 'heard');
      this.#options.onHeard(channel, state === 'missed');
    }
  }

  #deny(channel: string): void {
    if (!this.#channels.has(channel)) return;
    this.#channels.set(channel, 'denied');
    const isNew = !this.#denied.has(channel);
    this.#denied.add(channel);
    this.#clear(this.#retry);
    this.#retry = this.#options.clock.setTimeout(() => {
      for (const each of this.#denied) this.#channels.set(each, 'missed');
      this.#subscribeSoon();
    }, DENIED_RETRY_MS);
    if (isNew) this.#options.onDenied?.(channel);
  }

  readonly #heard = (channel: unknown, message: unknown) => {
    this.#listen();
    this.#options.onMessage(String(channel), String(message));
  };

  /** From now on silence counts. */
  #listen(): void {
    this.#clear(this.#quiet);
    this.#quiet = this.#options.clock.setTimeout(() => this.#ask(), QUIET_MAX_MS);
  }

  #ask(): void {
    const node = this.#node;
    if (node?.status !== 'ready') return;
    // A connection whose packets go nowhere looks open: it is given up for a new one.
    this.#quiet = this.#options.clock.setTimeout(() => node.disconnect(true), PONG_MAX_MS);
    node.ping().then(
      () => this.#listen(),
      () => {},
    );
  }

  readonly #lost = () => {
    this.#clear(this.#quiet);
    for (const channel of this.#channels.keys()) this.#channels.set(channel, 'missed');
    this.#tell('lost');
  };

  readonly #ended = () => {
    this.#lost();
    this.#miss();
  };

  /** There is no connection: another is opened in a while. */
  #miss(): void {
    for (const channel of this.#channels.keys()) this.#channels.set(channel, 'missed');
    this.#tell('lost');
    this.#drop();
    this.#clear(this.#reopen);
    this.#reopen = this.#options.clock.setTimeout(() => void this.#open(), REOPEN_MS);
  }

  #clear(timer: TimerId): void {
    if (timer !== null) this.#options.clock.clearTimeout(timer);
  }

  #drop(): void {
    const node = this.#node;
    this.#node = null;
    if (node === null) return;
    node.off('message', this.#heard);
    node.off('ready', this.#subscribeSoon);
    node.off('close', this.#lost);
    node.off('end', this.#ended);
    node.disconnect();
  }

  #tell(state: SubscriptionState): void {
    if (!this.#closed && this.#state.value !== state) this.#state.next(state);
  }
}

/** All at once; one by one if any is denied, which denies the whole command. The denied ones. */
async function subscribe(node: RedisNode, channels: readonly string[]): Promise<ReadonlySet<string>> {
  const denied = new Set<string>();
  if (channels.length === 0) return denied;
  try {
    await node.subscribe(...channels);
    return denied;
  } catch (error) {
    if (!isDenial(error)) throw error;
  }
  const outcomes = await Promise.allSettled(channels.map((channel) => node.subscribe(channel)));
  for (const [n, outcome] of outcomes.entries()) {
    if (outcome.status === 'fulfilled') continue;
    if (!isDenial(outcome.reason)) throw outcome.reason;
    denied.add(channels[n] as string);
  }
  return denied;
}

const isDenial = (error: unknown): boolean => error instanceof Error && error.message.startsWith('NOPERM');

function ignore(): void {
  // See where it is used.
}
