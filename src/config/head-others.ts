import type { Clock } from '../runtime/clock.ts';
import type { HeadCalls } from './head-calls.ts';
import type { MemberReport } from './head.ts';

/**
 * Which other members have heard of something: those that said something new within `ACKNOWLEDGE_MS`. That is counted
 * by what they report, not by how many a message went to: of a cluster's nodes each knows only its own listeners.
 */

/** How long the others are waited for, in milliseconds. */
export const ACKNOWLEDGE_MS = 2000;
const ASK_MS = 50;

export class HeadOthers {
  readonly #calls: HeadCalls;
  readonly #clock: Clock;
  readonly #self: string;
  readonly #before: ReadonlyMap<string, number>;

  private constructor(calls: HeadCalls, clock: Clock, self: string, before: readonly MemberReport[]) {
    this.#calls = calls;
    this.#clock = clock;
    this.#self = self;
    this.#before = new Map(before.map(({ member, said }) => [member, said]));
  }

  /** As they stand now, before they are told. */
  static async before(calls: HeadCalls, clock: Clock, self: string): Promise<HeadOthers> {
    return new HeadOthers(calls, clock, self, await calls.reports());
  }

  /**
   * Those that have said something since, about this generation or a later one if it is given. Resolves when all have
   * that were there before, or time is over; a store that fails meanwhile only costs the answer.
   */
  async acknowledged(generation: number | null): Promise<readonly MemberReport[]> {
    const until = this.#clock.monotonicMs() + ACKNOWLEDGE_MS;
    let heard: readonly MemberReport[] = [];
    for (;;) {
      heard = await this.#heard(generation).catch(() => heard);
      const isComplete = [...this.#before.keys()].every(
        (name) => name === this.#self || heard.some(({ member }) => member === name),
      );
      if (isComplete || this.#clock.monotonicMs() >= until) return heard;
      await new Promise<void>((resolve) => void this.#clock.setTimeout(resolve, ASK_MS));
    }
  }

  async #heard(generation: number | null): Promise<readonly MemberReport[]> {
    const reports = await this.#calls.reports();
    return reports.filter(
      ({ member, said, generation: about }) =>
        member !== this.#self && said > (this.#before.get(member) ?? -1) && about >= (generation ?? 0),
    );
  }
}
