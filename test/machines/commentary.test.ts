/** Log lines: what an operator reads, each with the record that it comes from. */
import { afterEach, describe, expect, test } from 'vitest';
import { StoreUnavailableError } from '../../src/errors.ts';
import type { LeaseStore, Logger } from '../../src/index.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { type WatchEvent, WatchWitness } from '../../src/config/watch-events.ts';
import type { ConfigWatchStatus } from '../../src/config/watch-status.ts';
import { useReloads } from './config-handle-members.ts';
import { LEASE, useMembers } from './election-members.ts';
import { elapse } from './elapse.ts';

interface Line {
  readonly level: keyof Logger;
  readonly message: string;
  readonly record?: string;
}

const lines: Line[] = [];
const note = (level: keyof Logger) => (fields: object, message: string) =>
  void lines.push({ ...(fields as { record?: string }), level, message });
const logger: Logger = {
  debug: note('debug'),
  info: note('info'),
  warn: note('warn'),
  error: note('error'),
};
const said = (start: string): Line => {
  const found = lines.filter(({ message }) => message.startsWith(start));
  expect(found, `${start}: ${JSON.stringify(lines)}`).toHaveLength(1);
  return found[0]!;
};
afterEach(() => void lines.splice(0));

/** The record that a line names. */
async function recordOf(records: AsyncIterable<JournalRecord>, { record = '' }: Line) {
  const [, stream, seq] = /^(.+)@(\d+)(?:\/\d+)?$/.exec(record) ?? [];
  for await (const each of records) if (each.stream === stream && each.seq === Number(seq)) return each;
  throw new Error(`there is no record ${record}`);
}

describe('lines about leadership', () => {
  const members = useMembers();

  test('lead to the record of what they tell, with the term', async () => {
    const a = await members.started('a', { logger });
    const acquired = said('Leadership acquired');
    expect(acquired.level).toBe('info');
    expect(acquired.record).toMatch(/^leadership\/r\/a-.+@\d+\/1$/);
    expect((await recordOf(a.journal.export(), acquired)).to).toHaveProperty('leader');
    await Promise.all([a.resign(), elapse(members.clock, 100)]);
    const lost = said('Leadership lost: released');
    expect(lost.record).toMatch(/@\d+\/1$/);
    expect((await recordOf(a.journal.export(), lost)).effects.map(({ type }) => type)).toContain('closeTerm');
    await members.started('b', { logger });
    await elapse(members.clock, LEASE);
    expect(said('New leader observed: b-').record).toMatch(/^leadership\/r\/a-.+@\d+$/);
  });

  test('call a Redis by its name when it is not reached, and say so once', async () => {
    const down: LeaseStore = {
      acquire: () =>
        Promise.reject(
          new StoreUnavailableError('STORE_UNAVAILABLE', 'Redis at h:6379 is gone.', {
            outcomeUnknown: false,
          }),
        ),
      renew: (...call) => members.leases.renew(...call),
      release: (...call) => members.leases.release(...call),
      read: (...call) => members.leases.read(...call),
      watch: (resource) => members.leases.watch(resource),
      describe: () => ({ ...members.leases.describe(), kind: 'redis' }),
      close: async () => {},
      [Symbol.asyncDispose]: async () => {},
    };
    await members.started('a', { logger, leases: down });
    await elapse(members.clock, LEASE);
    expect(said('Redis connection failed: Redis at h:6379 is gone.')).toMatchObject({ level: 'error' });
  });
});

describe('lines about configuration', () => {
  const reloads = useReloads();

  test('say that a file changed and what came of it, each leading to its record', async () => {
    reloads.source.write({ port: 1 });
    const reload = await reloads.started({ logger });
    expect(said('File watching enabled: app.json').level).toBe('info');
    expect(lines.filter(({ message }) => message.startsWith('High availability'))).toEqual([]);
    expect(said('Configuration loaded: generation 1').record).toMatch(/^config\/m-.+@\d+$/);
    await reloads.edit({ port: 2 });
    expect(said('Configuration file changed: app.json').level).toBe('info');
    const reloaded = said('Configuration reloaded successfully: generation 2');
    expect(reloaded.level).toBe('info');
    expect((await recordOf(reload.journal.export(), reloaded)).event.type).toBe('handlers.committed');
    await reloads.edit('{ "port": "eighty" }');
    const failed = said('Failed to reload configuration: app.json:1:11: port:');
    expect(failed.level).toBe('error');
    expect((await recordOf(reload.journal.export(), failed)).stream).toBe(reload.journal.stream);
    expect(reload.current.port).toBe(2);
    reloads.source.text = null;
    await reloads.pass(10_000);
    expect(said('The configuration file is gone; what is in force stays').level).toBe('warn');
  });
});

describe('lines about watching', () => {
  const healthy = { degraded: [], errors: 0, lastError: null };
  const seen = (...statuses: Partial<ConfigWatchStatus>[]): WatchEvent[] => {
    const events: WatchEvent[] = [];
    const witness = new WatchWitness((event) => events.push(event));
    for (const status of statuses) witness.see({ ...healthy, ...status } as ConfigWatchStatus);
    return events;
  };
  const pinned = { reason: 'pinned', message: 'It is a mount of its own.' } as const;

  test('tell a trouble once, however often it is found, and its end', () => {
    const degraded = { degraded: [pinned] };
    expect(seen({}, degraded, degraded, {}, degraded)).toEqual([
      { type: 'watchDegraded', ...pinned },
      { type: 'watchRecovered', reason: 'pinned' },
      { type: 'watchDegraded', ...pinned },
    ]);
  });

  test('tell an error again only after a look that went well', () => {
    const message = 'EIO';
    const first = { errors: 1, lastError: message };
    const second = { errors: 2, lastError: message };
    expect(seen(first, second)).toEqual([{ type: 'watchFailed', message }]);
    expect(seen(first, first, second)).toHaveLength(2);
    // What degrades it is told as that.
    const limits = { reason: 'limits', message } as const;
    expect(seen({ ...first, degraded: [limits] })).toEqual([{ type: 'watchDegraded', ...limits }]);
  });
});
