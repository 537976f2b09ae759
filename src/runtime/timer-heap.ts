/** A binary heap of timers, earliest first; setting, removing and taking are O(log n). */

export interface HeapTimer {
  /** When it is due. */
  readonly at: number;
  /** Decides between timers due at the same instant, before the order in which they were set does. */
  readonly tie: number;
  readonly fire: () => void;
  /** Order of setting. */
  readonly order: number;
  /** Index in the heap, -1 when it is not (or no longer) in it. */
  place: number;
}

export class TimerHeap {
  readonly #timers: HeapTimer[] = [];
  #order = 0;

  get size(): number {
    return this.#timers.length;
  }

  peek(): HeapTimer | null {
    return this.#timers[0] ?? null;
  }

  add({ at, tie, fire }: Pick<HeapTimer, 'at' | 'tie' | 'fire'>): HeapTimer {
    this.#order += 1;
    const timer: HeapTimer = { at, tie, fire, order: this.#order, place: this.#timers.length };
    this.#timers.push(timer);
    this.#rise(timer);
    return timer;
  }

  pop(): HeapTimer | null {
    const first = this.peek();
    if (first !== null) this.remove(first);
    return first;
  }

  /** Removes a timer of this heap; anything else, and one that is out already, is ignored. */
  remove(timer: HeapTimer | null | undefined): void {
    const place = timer?.place;
    if (timer === null || timer === undefined || place === undefined || this.#timers[place] !== timer) return;
    const last = this.#timers.pop() as HeapTimer;
    timer.place = -1;
    if (last === timer) return;
    this.#put(last, place);
    this.#rise(last);
    this.#sink(last);
  }

  #rise(timer: HeapTimer): void {
    while (timer.place > 0) {
      const parent = this.#timers[(timer.place - 1) >> 1] as HeapTimer;
      if (!isBefore(timer, parent)) return;
      this.#swap(timer, parent);
    }
  }

  #sink(timer: HeapTimer): void {
    for (;;) {
      const left = this.#timers[timer.place * 2 + 1];
      const right = this.#timers[timer.place * 2 + 2];
      if (left === undefined) return;
      const smaller = right !== undefined && isBefore(right, left) ? right : left;
      if (!isBefore(smaller, timer)) return;
      this.#swap(smaller, timer);
    }
  }

  #swap(one: HeapTimer, other: HeapTimer): void {
    const { place } = one;
    this.#put(one, other.place);
    this.#put(other, place);
  }

  #put(timer: HeapTimer, place: number): void {
    timer.place = place;
    this.#timers[place] = timer;
  }
}

function isBefore(one: HeapTimer, other: HeapTimer): boolean {
  if (one.at !== other.at) return one.at < other.at;
  if (one.tie !== other.tie) return one.tie < other.tie;
  return one.order < other.order;
}
