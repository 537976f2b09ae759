/**
 * The scripts of leases in Redis beside the protocol they are to decide like: random operations are put to both, with
 * the same time and incarnation, and answers and records are compared field by field.
 */
import { isDeepStrictEqual } from 'node:util';
import type { Redis } from 'ioredis';
import { expect } from 'vitest';
import { DRIFT_FACTOR } from '../../machines/leadership.timings.ts';
import {
  decideAcquire,
  decideRelease,
  decideRenew,
  type StoreMoment,
} from '../../src/lease/lease-protocol.ts';
import { type LeaseRecord, shownBeat } from '../../src/lease/lease-record.ts';
import type { AcquireRequest, ReleaseRequest, RenewRequest } from '../../src/lease/lease-store.ts';
import { leaseKeys } from '../../src/lease/redis-lease-keys.ts';
import {
  acquireArguments,
  acquireReply,
  inspection,
  releaseReply,
  renewArguments,
  renewReply,
} from '../../src/lease/redis-lease-replies.ts';
import { type LeaseScripts, leaseScripts } from '../../src/lease/redis-lease-scripts.ts';
import type { RedisScript } from '../../src/redis/script.ts';
import type { Chance } from './lease-protocol-chance.ts';

/** Time and incarnation come with the call; the rest of the script is the one that is shipped. */
const GIVEN_MOMENT = 'local NOW = tonumber(table.remove(ARGV, 1)) local INC = table.remove(ARGV, 1)';
export const scriptsUnderTest = (): LeaseScripts => leaseScripts(GIVEN_MOMENT);

const IDS = [
  'web-aaaaaaaaaaaaaaaa',
  'web-bbbbbbbbbbbbbbbb',
  'api-cccccccccccccccc',
  'web-too-short',
  'plain',
  'a b-c-dddddddddddddddd',
];
const LEASES = [1000, 1500.5, 3000, 1000.1];
const BEYOND_DOUBLES = 2n ** 53n + 3n;
const keys = leaseKeys('scripts', { keyPrefix: 'differential:' });

interface Step {
  readonly what: string;
  /** What is put to Redis, and what it is expected to answer. */
  readonly commands: (string | number)[][];
  readonly expected: unknown;
  readonly decoded: (reply: unknown) => unknown;
  readonly record: LeaseRecord | null;
  readonly mirror: string | null;
}

/** Makes up a run: the protocol decides, and what it decides is what the next question is made from. */
export class ScriptsRun {
  readonly steps: Step[] = [];
  readonly #chance: Chance;
  readonly #scripts: LeaseScripts;
  readonly #settleMs: number;
  readonly #freshStore: 'wait' | 'trust';
  readonly #history: (LeaseRecord | null)[] = [];
  #record: LeaseRecord | null = null;
  #mirror: string | null = null;
  #now = 1_700_000_000_000;
  #incarnation: string;
  /** What the server tells this asker of it: some may not ask. */
  #told: string;
  readonly #mixed: boolean;
  #counter = 0;

  constructor(chance: Chance, scripts: LeaseScripts) {
    this.#chance = chance;
    this.#scripts = scripts;
    this.#settleMs = this.#of([0, 0, 250.5]);
    this.#freshStore = this.#of(['wait', 'trust']);
    this.#incarnation = this.#of(['i0', 'i0', '?']);
    this.#told = this.#incarnation;
    this.#mixed = this.#chance.below(2) === 0;
  }

  take(): void {
    this.#now += this.#of([0, 1, 37, 400, 1100, 2500, 4000, -1, -700, -3000]);
    this.#told = this.#mixed && this.#chance.below(3) === 0 ? '?' : this.#incarnation;
    const turn = this.#chance.below(100);
    if (turn < 42) this.#acquire();
    else if (turn < 72) this.#renew();
    else if (turn < 82) this.#release();
    else if (turn < 86) this.#lose(null);
    else if (turn < 90) this.#lose(this.#of(this.#history.length > 0 ? this.#history : [null]));
    else if (turn < 93) this.#incarnation = this.#incarnation === '?' ? '?' : `i${this.#chance.below(4)}`;
    else this.#tamper(turn < 97 ? null : this.#of(['somebody else', ...IDS]));
  }

  #acquire(): void {
    const doubts = this.#chance.below(4) === 0;
    const before = this.#doubted(doubts);
    const ask = this.#acquireRequest();
    const decision = decideAcquire(before, ask, this.#moment(before));
    const { reply } = decision;
    let { record } = decision;
    const holder = record?.holder === ask.id ? (before?.holder ?? null) : null;
    const strange = this.#mirror !== null && this.#mirror !== ask.id && this.#mirror !== holder;
    let expected: unknown = reply;
    if (reply.kind === 'won' && strange) {
      expected = 'STORE_KEY_FOREIGN';
      record = this.#record;
    } else if (reply.kind === 'won') this.#mirror = ask.id;
    // What is only doubted is written only with a change.
    if (record === before) record = this.#record;
    const args = ['', doubts ? '1' : '0', '1', String(this.#settleMs), this.#freshStore];
    this.#step(`acquire ${text(ask)}`, {
      script: 'acquire',
      args: [...args, ...acquireArguments(ask)],
      expected,
      decoded: (raw) => acquireReply(raw, place),
      record,
    });
  }

  #renew(): void {
    const doubts = this.#chance.below(4) === 0;
    const before = this.#doubted(doubts);
    const ask = this.#renewRequest();
    const moment = this.#moment(before);
    let { reply, record } = decideRenew(before, ask, moment);
    let deposedBy: string | null = null;
    const stands =
      before !== null &&
      before.holder === ask.id &&
      before.token === ask.token &&
      before.incarnation === moment.incarnation &&
      ask.beat > before.beat;
    const gone = this.#mirror === null && stands && moment.now < before.expiresAt;
    if (stands && (gone || (this.#mirror !== null && this.#mirror !== ask.id))) {
      deposedBy = this.#mirror ?? '';
      reply = { kind: 'denied', holder: null, token: ask.token };
      record = this.#record;
    } else if (record !== before) this.#mirror = ask.id;
    if (record === before) record = this.#record;
    this.#step(`renew ${text(ask)}`, {
      script: 'renew',
      args: ['', ...renewArguments(ask, doubts)],
      expected: { reply, deposedBy },
      decoded: (raw) => renewReply((raw as unknown[])[0], place),
      record,
    });
  }

  #release(): void {
    const record = this.#record;
    const mine = this.#chance.below(4) > 0;
    const ask: ReleaseRequest = {
      resource: 'scripts',
      id: mine ? (record?.holder ?? 'plain') : this.#of(IDS),
      token: this.#nearToken(),
    };
    const decision = decideRelease(record, ask);
    const { released } = decision.reply;
    const expected = { released, holder: record?.holder ?? null, token: record?.token ?? 0n };
    if (released && this.#mirror === record?.holder) this.#mirror = null;
    this.#step(`release ${text(ask)}`, {
      script: 'release',
      args: ['', ask.id, String(ask.token)],
      expected,
      decoded: (raw) => releaseReply(raw, place),
      record: decision.record,
    });
  }

  /** The record is gone, or an earlier one is back. */
  #lose(record: LeaseRecord | null): void {
    const commands: (string | number)[][] = [['del', keys.record]];
    if (record) commands.push(['hset', keys.record, ...fieldsOf(record)]);
    this.#record = record;
    this.#note({
      what: `lose, back to ${text(record)}`,
      commands,
      expected: null,
      decoded: () => null,
      record,
      mirror: this.#mirror,
    });
  }

  /** Somebody deletes or overwrites the mirror. */
  #tamper(value: string | null): void {
    this.#mirror = value;
    const command = value === null ? ['del', keys.mirror] : ['set', keys.mirror, value];
    this.#note({
      what: `mirror ${text(value)}`,
      commands: [command],
      expected: null,
      decoded: () => null,
      record: this.#record,
      mirror: value,
    });
  }

  #acquireRequest(): AcquireRequest {
    const record = this.#record;
    const leaseMs = this.#of(LEASES);
    const known = record?.loss;
    const wholeMs = (record?.longestMs ?? 0) * DRIFT_FACTOR + this.#settleMs;
    return {
      resource: 'scripts',
      id: this.#chance.below(3) === 0 ? (record?.by ?? 'plain') || 'plain' : this.#of(IDS),
      attempt: this.#of([this.#next(), this.#next(), record?.attempt ?? 1, Math.max(1, this.#counter - 3)]),
      leaseMs,
      graceMs: this.#of([0, 0, 150, 99.75]),
      longestMs: this.#of([leaseMs, leaseMs, 2000, 5000.25]),
      seen: this.#chance.below(3) === 0 ? 0n : this.#nearToken(),
      observed:
        this.#chance.below(2) === 0
          ? null
          : {
              holder: this.#chance.below(4) === 0 ? this.#of(IDS) : (record?.holder ?? 'plain'),
              token: this.#nearToken(),
              beat: this.#of([record ? shownBeat(record) : 0, record?.beat ?? 0, 1]),
              forMs: this.#of([0, 500.5, record?.leaseMs ?? 0, (record?.leaseMs ?? 0) * DRIFT_FACTOR, 4000]),
            },
      loss:
        this.#chance.below(2) === 0
          ? null
          : {
              id: this.#of([known?.id ?? 'unknown', known?.id ?? 'unknown', 'unknown']),
              forMs: this.#of([0, 700, wholeMs, wholeMs - 1, wholeMs + 1]),
            },
      nonce: `n${this.#next()}`,
    };
  }

  #renewRequest(): RenewRequest {
    const record = this.#record;
    return {
      resource: 'scripts',
      id: this.#chance.below(4) === 0 ? this.#of(IDS) : (record?.holder ?? this.#of(IDS)),
      token: this.#nearToken(),
      leaseMs: this.#of(LEASES),
      graceMs: this.#of([0, 120.5]),
      beat: this.#of([this.#next(), this.#next(), record?.beat ?? 1, Math.max(1, (record?.beat ?? 1) - 1)]),
      term: this.#of([1, record?.term ?? 1, 7]),
    };
  }

  #nearToken(): bigint {
    const { token = 0n, highest = 0n } = this.#record ?? {};
    return this.#of([
      token,
      token,
      token,
      highest,
      highest + 1n,
      token > 0n ? token - 1n : 0n,
      this.#chance.below(8) === 0 ? BEYOND_DOUBLES + BigInt(this.#chance.below(20)) : token,
    ]);
  }

  #moment(before: LeaseRecord | null): StoreMoment {
    // Who is not told, and does not doubt, takes the data set for the one that was noted.
    const adopts = this.#told === '?' && before !== null && before.incarnation !== 'doubted';
    return {
      now: this.#now,
      incarnation: adopts ? before.incarnation : this.#told,
      settleMs: this.#settleMs,
      tokenFloor: BigInt(this.#now),
      freshStore: this.#freshStore,
    };
  }

  /** Who cannot know whether the data are still the same takes them for others. */
  #doubted(doubts: boolean): LeaseRecord | null {
    const record = this.#record;
    if (!doubts || record === null || this.#told !== '?') return record;
    const loss = record.loss && { ...record.loss, incarnation: 'doubted' };
    return { ...record, incarnation: 'doubted', loss };
  }

  #step(
    what: string,
    call: {
      readonly script: 'acquire' | 'renew' | 'release';
      readonly args: readonly string[];
      readonly expected: unknown;
      readonly decoded: (reply: unknown) => unknown;
      readonly record: LeaseRecord | null;
    },
  ): void {
    const { script, args, expected, decoded, record } = call;
    const moment = script === 'release' ? [] : [String(this.#now), this.#told];
    const { sha } = this.#scripts[script].flagged;
    if (record !== this.#record) this.#history.push(this.#record);
    if (this.#history.length > 8) this.#history.shift();
    this.#record = record;
    this.#note({
      what: `${what} at ${this.#now} in ${this.#told}`,
      commands: [['evalsha', sha, 2, keys.mirror, keys.record, ...moment, ...args]],
      expected,
      decoded,
      record,
      mirror: this.#mirror,
    });
  }

  #note(step: Step): void {
    this.steps.push(step);
  }

  #next(): number {
    this.#counter += 1;
    return this.#counter;
  }

  #of<T>(possibilities: readonly T[]): T {
    return possibilities[this.#chance.below(possibilities.length)] as T;
  }
}

const place = { location: 'test', keys };

/** Puts a run to Redis in one go and compares. */
export async function compare(redis: Redis, run: ScriptsRun, scripts: LeaseScripts): Promise<void> {
  const look = ['evalsha', scripts.read.flagged.sha, 2, keys.mirror, keys.record, '0', '-'];
  const commands = run.steps.flatMap((step) => [...step.commands, look]);
  const loads = Object.values(scripts as unknown as Record<string, RedisScript>).map(({ flagged }) => [
    'script',
    'load',
    flagged.text,
  ]);
  const before = [...loads, ['del', keys.mirror, keys.record]];
  const results = (await redis.pipeline([...before, ...commands]).exec()) ?? [];
  let at = before.length;
  for (const [index, { what, commands: own, expected, decoded, record, mirror }] of run.steps.entries()) {
    const [error, reply] = results[at + own.length - 1] ?? [];
    const [, looked] = results[at + own.length] ?? [];
    at += own.length + 1;
    const where = `step ${index}: ${what}`;
    if (error) throw new Error(`${where}: ${error.message}`, { cause: error });
    const seen = inspection(looked, place);
    const found = [attempted(() => decoded(reply)), seen.record, seen.mirror?.value ?? null];
    const wanted = [expected, record, mirror];
    // Only a difference is worth the time it takes to describe.
    if (!isDeepStrictEqual(found, wanted)) expect(found, where).toEqual(wanted);
  }
}

/** The answer, or the code of the error that it is. */
function attempted(decode: () => unknown): unknown {
  try {
    return decode();
  } catch (error) {
    return (error as { readonly code?: unknown }).code ?? error;
  }
}

function fieldsOf(record: LeaseRecord): string[] {
  const { loss } = record;
  const fields = {
    v: '1',
    holder: record.holder ?? '',
    by: record.by,
    attempt: record.attempt,
    token: record.token,
    term: record.term,
    lease: record.leaseMs,
    grace: record.graceMs,
    beat: record.beat,
    expAt: record.expiresAt,
    maxLease: record.longestMs,
    hi: record.highest,
    inc: record.incarnation,
    namesake: record.namesake ?? '',
    lossId: loss?.id ?? '',
    lossInc: loss?.incarnation ?? '',
    lossAt: loss?.at ?? '',
    lossFresh: loss ? Number(loss.fresh) : '',
  };
  return Object.entries(fields).flatMap(([name, value]) => [name, String(value)]);
}

function text(value: unknown): string {
  return JSON.stringify(value, (_, part: unknown) => (typeof part === 'bigint' ? `${part}n` : part));
}
