import { Observable, Subject } from 'rxjs';
import type { RedisSubscription } from '../redis/link-subscription.ts';
import type { Clock } from '../runtime/clock.ts';
import type { LeaseSignal } from './lease-store.ts';
import { signalOf } from './redis-lease-signals.ts';

interface WatchedChannel {
  readonly resource: string;
  watchers: number;
  /** Whether it was told something before the channel was heard. */
  asked: boolean;
  /** How often the channel came to be heard. */
  hearings: number;
}

/** Hints of all watched resources, from the channels that one subscriber hears. */
export class LeaseWatches {
  readonly #signals = new Subject<LeaseSignal>();
  readonly #watched = new Map<string, WatchedChannel>();
  readonly #clock: Clock;
  #subscription: RedisSubscription | null = null;

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  /** From here hints come. */
  from(subscription: RedisSubscription): void {
    this.#subscription = subscription;
  }

  watch(resource: string, channel: string): Observable<LeaseSignal> {
    return new Observable((subscriber) => {
      const told = this.#signals.subscribe({
        next: (signal) => {
          if (signal.resource === resource) subscriber.next(signal);
        },
        complete: () => subscriber.complete(),
      });
      this.#count(resource, channel, 1);
      return () => {
        told.unsubscribe();
        this.#count(resource, channel, -1);
      };
    });
  }

  /** Which time the channel is heard for now; 0 if it is not. */
  hearing(channel: string): number {
    return this.#subscription?.hears(channel) === true ? (this.#watched.get(channel)?.hearings ?? 0) : 0;
  }

  /**
   * The store gave an answer that holds until something is said on the channel: nothing was missed if it was heard when
   * the request was sent, and ever since.
   */
  answered(channel: string, hearingWhenSent: number): void {
    const watched = this.#watched.get(channel);
    if (!watched) return;
    const hearing = this.hearing(channel);
    if (hearing === 0) watched.asked = true;
    // The asker has the answer before any timer fires; until then it minds no gap.
    else if (hearing !== hearingWhenSent) this.#clock.setTimeout(() => this.#tellGap(channel), 0);
  }

  readonly message = (channel: string, message: string): void => {
    const watched = this.#watched.get(channel);
    const signal = watched ? signalOf(watched.resource, message) : null;
    if (signal) this.#signals.next(signal);
  };

  /** The channel is heard from now on; what was said before, since the last answer, was missed. */
  readonly heard = (channel: string, missed: boolean): void => {
    const watched = this.#watched.get(channel);
    if (!watched) return;
    const { asked } = watched;
    watched.asked = false;
    watched.hearings += 1;
    if (missed || asked) this.#tellGap(channel);
  };

  close(): void {
    this.#signals.complete();
  }

  #tellGap(channel: string): void {
    const watched = this.#watched.get(channel);
    if (watched) this.#signals.next({ kind: 'gap', resource: watched.resource });
  }

  #count(resource: string, channel: string, change: 1 | -1): void {
    const watched = this.#watched.get(channel) ?? { resource, watchers: 0, asked: false, hearings: 0 };
    watched.watchers += change;
    if (watched.watchers === 0) {
      this.#watched.delete(channel);
      this.#subscription?.remove(channel);
    } else if (change === 1 && watched.watchers === 1) {
      this.#watched.set(channel, watched);
      this.#subscription?.add(channel);
    }
  }
}
