import { Observable, Subject } from 'rxjs';
import { SettingsError, UsageError } from '../errors.ts';
import { RedisSubscription } from '../redis/link-subscription.ts';
import { RedisLink, type ScriptCall } from '../redis/link.ts';
import { type RedisPlace, type RedisWiring, wiringOf } from '../redis/place.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { HeadCallOptions, HeadHint, HeadStore } from './head-store.ts';
import { AUDIT, CALL, CONTENT, GET, KEEP, MOVED, REPORT, REPORTS, SWAP } from './redis-head-scripts.ts';

/**
 * A configuration shared through Redis, by members on several hosts.
 *
 * What it promises: a move is one script, all of it or nothing. What it does not: Redis answers before its replicas
 * have a move, so that a failover may lose the last ones; members then follow what survived, together.
 */
export interface RedisHeadOptions {
  /** Names what is shared, and is part of all keys: `conclave:{<namespace>}:config:…`. Default `default`. */
  readonly namespace?: string;
  /** One more channel to listen to: whatever anybody publishes there means "look now". */
  readonly channel?: string;
  readonly clock?: Clock;
}

/** How long one call may take, in milliseconds; members wait for less. */
const PATIENCE_MS = 5000;

/**
 * The configuration that members on several hosts share, in a Redis.
 *
 * @throws SettingsError `SETTINGS_INVALID`, `REDIS_SETTINGS_INVALID`
 * @example
 * await using store = redisHead('redis://localhost:6379', { namespace: 'billing' });
 */
export function redisHead(place: RedisPlace, options: RedisHeadOptions = {}): HeadStore {
  const { namespace = 'default', channel, clock = systemClock } = options;
  if (!/^[A-Za-z0-9._:/-]{1,200}$/.test(namespace))
    throw new SettingsError(
      'SETTINGS_INVALID',
      `namespace is ${JSON.stringify(namespace)}, but must be 1 to 200 letters, digits, or . _ : / -`,
    );
  const wiring = wiringOf(place, {
    clock,
    refusePrefix: (prefix) =>
      `The given client puts ${prefix} before all keys (keyPrefix). Give client.duplicate({ keyPrefix: '' }).`,
  });
  return new RedisHead(namespace, clock, wiring, channel);
}

class RedisHead implements HeadStore {
  readonly namespace: string;
  readonly #wiring: RedisWiring;
  readonly #link: RedisLink;
  readonly #subscription: RedisSubscription;
  readonly #hints = new Subject<HeadHint>();
  readonly #channel: string;
  readonly #heard: readonly string[];
  #watchers = 0;
  #closed = false;

  constructor(namespace: string, clock: Clock, wiring: RedisWiring, channel?: string) {
    this.namespace = namespace;
    this.#wiring = wiring;
    this.#link = new RedisLink({ ...wiring.link, clock });
    this.#channel = `${this.#key('changes')}${wiring.database === 0 ? '' : `@${wiring.database}`}`;
    this.#heard = channel === undefined ? [this.#channel] : [this.#channel, channel];
    this.#subscription = new RedisSubscription({
      clock,
      open: async () => wiring.openSubscriber(await this.#link.client()),
      // Whatever it says, by whomever: look. What nobody but people publishes asks for an answer, too.
      onMessage: (_, message) => this.#hints.next(message === MOVED ? 'moved' : 'called'),
      onHeard: () => this.#hints.next('moved'),
    });
    this.#link.client().catch(() => {});
  }

  readonly head: HeadStore['head'] = async (options) =>
    textOrNull(await this.#run(GET, ['head'], [], options));

  readonly history: HeadStore['history'] = async (options) =>
    textOrNull(await this.#run(GET, ['history'], [], options));

  readonly swap: HeadStore['swap'] = async ({ before, head, history, audit, content, drop }, options) => {
    const bytes = [content?.sha ?? '', content?.text ?? ''];
    const args = [before ?? '', head, history, audit, this.#channel, ...bytes, ...drop];
    return (await this.#run(SWAP, ['head', 'history', 'contents', 'audit'], args, options)) === 1;
  };

  readonly content: HeadStore['content'] = async (sha, options) =>
    textOrNull(await this.#run(CONTENT, ['contents'], [sha], options));

  readonly keep: HeadStore['keep'] = async (sha, text, options) =>
    void (await this.#run(KEEP, ['contents'], [sha, text], options));

  readonly report: HeadStore['report'] = async (member, text, forMs, options) =>
    void (await this.#run(REPORT, ['reports'], [member, text, Math.ceil(forMs)], options));

  readonly reports: HeadStore['reports'] = async (options) =>
    (await this.#run(REPORTS, ['reports'], [], options)) as string[];

  readonly audit: HeadStore['audit'] = async (options) =>
    (await this.#run(AUDIT, ['audit'], [], options)) as string[];

  readonly call: HeadStore['call'] = async (options) =>
    void (await this.#run(CALL, ['changes'], [this.#channel], options));

  watch(): ReturnType<HeadStore['watch']> {
    return new Observable((subscriber) => {
      const told = this.#hints.subscribe(subscriber);
      this.#watchers += 1;
      if (this.#watchers === 1 && !this.#closed) for (const each of this.#heard) this.#subscription.add(each);
      return () => {
        told.unsubscribe();
        this.#watchers -= 1;
        if (this.#watchers === 0 && !this.#closed)
          for (const each of this.#heard) this.#subscription.remove(each);
      };
    });
  }

  describe(): ReturnType<HeadStore['describe']> {
    return { kind: 'redis', location: this.#wiring.link.location };
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    this.#subscription.close();
    this.#link.close();
    this.#hints.complete();
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  async #run(
    script: ScriptCall['script'],
    names: readonly string[],
    args: ScriptCall['args'],
    { signal }: HeadCallOptions,
  ): Promise<unknown> {
    if (this.#closed)
      throw new UsageError(
        'STORE_CLOSED',
        `The configuration store on Redis at ${this.#link.location} was closed.`,
      );
    const keys = names.map((name) => this.#key(name));
    const options = { patienceMs: PATIENCE_MS, isWanted: () => !signal.aborted };
    const outcome = await this.#link.run({ script, keys, args }, options);
    if ('error' in outcome) throw outcome.error;
    return outcome.reply;
  }

  #key(name: string): string {
    return `conclave:{${this.namespace}}:config:${name}`;
  }
}

const textOrNull = (reply: unknown): string | null => (typeof reply === 'string' ? reply : null);
