/**
 * The newest items of a sequence, up to a limit. It grows as it is used, so that an actor that does little holds
 * little; adding is O(1).
 */
export class Ring<T> {
  readonly #items: T[] = [];
  readonly #limit: number;
  /** Index of the oldest item once the ring is full. */
  #oldest = 0;

  /** @param limit How many items it holds, at least 1. */
  constructor(limit: number) {
    if (!Number.isSafeInteger(limit) || limit < 1)
      throw new RangeError(`A ring needs a limit of 1 or more, not ${limit}.`);
    this.#limit = limit;
  }

  get size(): number {
    return this.#items.length;
  }

  /** Adds an item; returns the oldest one where it had to make room. */
  push(item: T): T | undefined {
    if (this.#items.length < this.#limit) {
      this.#items.push(item);
      return undefined;
    }
    const evicted = this.#items[this.#oldest];
    this.#items[this.#oldest] = item;
    this.#oldest = (this.#oldest + 1) % this.#limit;
    return evicted;
  }

  /** Removes items, oldest first, as long as `remove` says so, and returns them. */
  takeWhile(remove: (item: T) => boolean): T[] {
    const items = this.toArray();
    const kept = items.findIndex((item) => !remove(item));
    const taken = kept < 0 ? items : items.slice(0, kept);
    this.#items.length = 0;
    this.#oldest = 0;
    for (const item of items.slice(taken.length)) this.#items.push(item);
    return taken;
  }

  /** The items, oldest first, as they are now. */
  toArray(): T[] {
    return [...this.#items.slice(this.#oldest), ...this.#items.slice(0, this.#oldest)];
  }
}
