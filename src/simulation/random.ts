import type { Randomness } from '../runtime/randomness.ts';

/**
 * Seeded randomness that forks by label. Each member and each purpose draws from a stream of its own, so that taking
 * one fault out of a run does not shift what the others draw: that is what makes shrinking fast and failures stable.
 *
 * The generator is sfc32 by Chris Doty-Humphrey (PractRand, public domain); labels are mixed in by FNV-1a.
 */

/** As in the ids of the system's randomness: letters and digits that nobody mistakes for another. */
const ALPHABET = '23456789abcdefghijkmnpqrstuvwxyz';
const ID_LENGTH = 16;

/** Rounds after which every bit of the seed has reached every bit of the state. */
const WARM_UP = 15;

/** Randomness from a seed, in streams that do not disturb each other. */
export class Random implements Randomness {
  readonly #name: string;
  #a: number;
  #b: number;
  #c: number;
  #counter = 1;

  /** @param name The seed, and the labels of the forks that led here. */
  constructor(name: string | number) {
    this.#name = String(name);
    this.#a = hash(this.#name, 0x811c_9dc5);
    this.#b = hash(this.#name, 0x01a4_7401);
    this.#c = hash(this.#name, 0x9e37_79b9);
    for (let i = 0; i < WARM_UP; i++) this.#next();
  }

  /** A stream of its own: the same for the same seed and labels, whatever was drawn here. */
  fork(label: string | number): Random {
    return new Random(`${this.#name}/${label}`);
  }

  /** A number in [0, 1). */
  unit(): number {
    return this.#next() / 2 ** 32;
  }

  /** A number in [low, high). */
  between(low: number, high: number): number {
    return low + this.unit() * (high - low);
  }

  /** A whole number in [0, n). */
  below(n: number): number {
    return Math.floor(this.unit() * n);
  }

  chance(probability: number): boolean {
    return this.unit() < probability;
  }

  /** Like the time between rare things: mostly short, at times long. */
  exponential(mean: number): number {
    return -Math.log(1 - this.unit()) * mean;
  }

  pick<T>(choices: readonly [T, ...T[]] | readonly T[]): T {
    return choices[this.below(choices.length)] as T;
  }

  id(): string {
    let id = '';
    for (let i = 0; i < ID_LENGTH; i++) id += ALPHABET[this.#next() & 31];
    return id;
  }

  #next(): number {
    const sum = (this.#a + this.#b + this.#counter) | 0;
    this.#counter = (this.#counter + 1) | 0;
    this.#a = this.#b ^ (this.#b >>> 9);
    this.#b = (this.#c + (this.#c << 3)) | 0;
    this.#c = (((this.#c << 21) | (this.#c >>> 11)) + sum) | 0;
    return sum >>> 0;
  }
}

function hash(text: string, basis: number): number {
  let value = basis;
  for (let i = 0; i < text.length; i++) value = Math.imul(value ^ text.charCodeAt(i), 0x0100_0193);
  return value | 0;
}
