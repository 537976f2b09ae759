import { TIMES_SETTLE_MS } from './fingerprint.ts';
import type { ConfigSource, SourceLook, SourceReading } from './source.ts';
import { type Finding, findingOf, suspicionOf } from './watch-judgement.ts';
import type { Holding } from './watch-status.ts';

/** The present, as a look takes it: both clocks in milliseconds. */
export interface LookTime {
  readonly monotonicMs: number;
  readonly wallMs: number;
  /** The least that lies between noticing and believing what is suspicious; null: nothing is believed at this look. */
  readonly believeAfterMs: number | null;
}

/** What a look at one source came to. */
export interface Sighting {
  readonly look: SourceLook;
  /** Something to tell. */
  readonly told: 'changed' | 'missing' | null;
  /** Other content than at the last look, told or held. */
  readonly isNews: boolean;
  /** It was touched, and holds what it held. */
  readonly unchanged: boolean;
}

export interface DoubtfulReading {
  readonly reading: SourceReading;
  readonly doubt: string | null;
}

/**
 * One source under watch: what was last found there, what was last told of it, and what waits to be believed.
 * The cheap fingerprint decides whether to read, the hash of what was read whether to tell.
 */
export class WatchSubject {
  readonly source: ConfigSource;
  /** Identity of what the listener knows; null: nothing yet. */
  #told: string | null;
  readonly #tellsFirst: boolean;
  /** Sizes of the last readable content among that. */
  #good: ReadonlyMap<string, number> | null = null;
  #fingerprint: string | null = null;
  /** Its fingerprint does not yet tell a further write from the last one. */
  #unsettled = false;
  #last: Finding | null = null;
  #held: { readonly identity: string; readonly since: number; readonly message: string } | null = null;

  /** @param known identity of what the listener has; null: tell what is there; undefined: tell of changes only. */
  constructor(source: ConfigSource, known: string | null | undefined) {
    this.source = source;
    this.#told = known ?? null;
    this.#tellsFirst = known !== undefined;
  }

  get holding(): Holding | null {
    const { location } = this.source;
    return this.#held && { location, message: this.#held.message, since: this.#held.since };
  }

  async look(time: () => LookTime): Promise<Sighting> {
    const look = await this.source.look();
    const stirred = look.fingerprint !== this.#fingerprint || this.#unsettled;
    if (!stirred && this.#last !== null) {
      const told = this.#settle(this.#last, time());
      return { look, told, isNews: false, unchanged: false };
    }
    const touched = look.fingerprint !== this.#fingerprint;
    return this.#judge(await this.source.read(), time(), touched);
  }

  /**
   * Reads for the listener, who from then on knows what was read: whatever else is found later is told, even what it
   * had been told of before. With a doubt, it is not to act on the reading and does not know it.
   */
  async read(): Promise<DoubtfulReading> {
    const { found, ...read } = await this.#read();
    if (read.doubt === null) this.#know(found);
    return read;
  }

  /** Reads for somebody who only wants to see: what the listener does not know is told as before. */
  async peek(): Promise<DoubtfulReading> {
    const { found: _, ...read } = await this.#read();
    return read;
  }

  /** The listener has come by these bytes, wherever from. */
  took(sha: string): void {
    this.#told = sha;
  }

  async #read(): Promise<DoubtfulReading & { readonly found: Finding }> {
    const reading = await this.source.read();
    const found = findingOf(reading);
    const doubt = found.identity === this.#told ? null : suspicionOf(this.#good, found);
    return { reading, doubt, found };
  }

  #judge(reading: SourceReading, time: LookTime, touched: boolean): Sighting {
    const { look } = reading;
    const found = findingOf(reading);
    const isNews = this.#last !== null && this.#last.identity !== found.identity;
    this.#fingerprint = look.fingerprint;
    // A time in the future says nothing either; nor does one of a file that could not be read just now.
    const passing = reading.kind !== 'read' && reading.transient;
    this.#unsettled = passing || look.changedAtMs > time.wallMs - TIMES_SETTLE_MS;
    const isFirst = this.#last === null;
    this.#last = found;
    if (isFirst && !this.#tellsFirst) this.#told = found.identity;
    const told = this.#settle(found, time);
    const unchanged = touched && !isFirst && !isNews && told === null;
    return { look, told, isNews, unchanged };
  }

  /** Tells what is new, unless it has to be seen once more. */
  #settle(found: Finding, { monotonicMs, believeAfterMs }: LookTime): Sighting['told'] {
    if (found.identity === this.#told) {
      this.#know(found);
      return null;
    }
    const message = suspicionOf(this.#good, found);
    if (message !== null) {
      if (this.#held?.identity !== found.identity)
        this.#held = { identity: found.identity, since: monotonicMs, message };
      const isSeenAgain = believeAfterMs !== null && monotonicMs - this.#held.since >= believeAfterMs;
      if (!isSeenAgain) return null;
    }
    this.#know(found);
    return found.kind === 'missing' ? 'missing' : 'changed';
  }

  #know(found: Finding): void {
    this.#held = null;
    this.#told = found.identity;
    if (found.kind === 'read') this.#good = found.sizes;
  }
}
