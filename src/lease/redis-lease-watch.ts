import { Observable, Subject } from 'rxjs';
import type { RedisSubscription } from '../redis/link-subscription.ts';
import type { LeaseSignal } from './lease-store.ts';
import { signalOf } from './redis-lease-signals.ts';

/** Hints of all watched resources, from the channels that one subscriber hears. */
export class LeaseWatches {
  readonly #signals = new Subject<LeaseSignal>();
  /** Who watches each channel's resource, and whether it was told something before the channel was heard. */
  readonly #watched = new Map<string, { readonly resource: string; watchers: number; asked: boolean }>();
  #subscription: RedisSubscription | null = null;

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

  /** The store gave an answer that holds until something is said on the channel. */
  answered(channel: string): void {
    const watched = this.#watched.get(channel);
    if (watched && this.#subscription?.hears(channel) !== true) watched.asked = true;
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
    const { resource, asked } = watched;
    watched.asked = false;
    if (missed || asked) this.#signals.next({ kind: 'gap', resource });
  };

  close(): void {
    this.#signals.complete();
  }

  #count(resource: string, channel: string, change: 1 | -1): void {
    const watched = this.#watched.get(channel) ?? { resource, watchers: 0, asked: false };
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
