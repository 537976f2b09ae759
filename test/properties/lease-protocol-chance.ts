/** A seeded stream of chance (mulberry32): the same seed, the same stream, on every machine. */
export class Chance {
  private state: number;
  constructor(seed: number) {
    this.state = (seed * 0x9e3779b1) >>> 0;
  }
  unit(): number {
    this.state = (this.state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(this.state ^ (this.state >>> 15), this.state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  }
  between(least: number, most: number): number {
    return least + this.unit() * (most - least);
  }
  below(count: number): number {
    return Math.floor(this.unit() * count);
  }
  under(probability: number): boolean {
    return this.unit() < probability;
  }
}
