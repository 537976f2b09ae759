import { execFile } from 'node:child_process';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { describe, expect, it } from 'vitest';
import type { LeaseSignal } from '../../src/lease/lease-store.ts';
import { CALLS_WAITING_MAX, SqliteLeaseClient } from '../../src/lease/sqlite-lease-client.ts';
import type { SqliteLeaseNotice } from '../../src/lease/sqlite-lease-store.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';

/** A client whose worker is `source`, with `port` and `data` at hand. */
function clientOf(source: string, clock = systemClock) {
  const notices: SqliteLeaseNotice[] = [];
  const signals: LeaseSignal[] = [];
  const code = `import { parentPort as port } from 'node:worker_threads';\n${source}`;
  const client = new SqliteLeaseClient({
    worker: new URL(`data:text/javascript,${encodeURIComponent(code)}`),
    options: { path: '/leases.db', freshStore: 'trust' },
    clock,
    onNotice: (notice) => notices.push(notice),
    onSignal: (signal) => signals.push(signal),
  });
  return { client, notices, signals };
}

const never = new AbortController().signal;
const release = { resource: 'r', id: 'a', token: 1n };
const ANSWERS = `port.on('message', ({ id, op }) => { if (id) port.postMessage({ id, answer: op }); if (!id) port.close(); });`;
/** Does what a stalled disk does: nothing, for as long as the test lasts. */
const STALLS = `port.on('message', () => Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0));`;
/** Answers reads, dies of anything else. */
const DIES = `port.on('message', ({ id, op }) => { if (op !== 'read') throw new Error('torn'); port.postMessage({ id, answer: op }); });`;

describe('sqlite leases: the worker', () => {
  it('a worker that dies leaves the outcome of the call it had open, and is replaced for the next', async () => {
    const { client, notices } = clientOf(DIES);
    const died = client.call('release', release, never);
    const next = client.call('read', { resource: 'r' }, never);
    await expect(died).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', outcomeUnknown: true });
    expect(await next).toBe('read');
    expect(notices).toMatchObject([
      { kind: 'worker-lost', message: expect.stringContaining('torn') as unknown },
    ]);
    await client.close();
  });

  it('after a worker died, those that watch are told of a gap, without any call', async () => {
    const clock = new VirtualClock();
    const { client, notices, signals } = clientOf(DIES, clock);
    client.watch(['r']);
    await expect.poll(() => notices.length).toBe(1);
    clock.advance(1000);
    expect(signals).toEqual([{ kind: 'gap', resource: 'r' }]);
    await client.close();
  });

  it('a call given up while the disk is asked rejects at once, its outcome open; one that waited, known', async () => {
    const { client } = clientOf(STALLS);
    const patience = new AbortController();
    const settled = Promise.allSettled([
      client.call('release', release, patience.signal),
      client.call('release', release, patience.signal),
      client.call('read', { resource: 'r' }, patience.signal),
    ]);
    patience.abort(new Error('no time'));
    const reasons = (await settled).map((each) =>
      each.status === 'rejected' ? (each.reason as unknown) : null,
    );
    expect(reasons).toMatchObject([
      { code: 'STORE_TIMEOUT', outcomeUnknown: true, cause: new Error('no time') },
      { code: 'STORE_TIMEOUT', outcomeUnknown: false },
      { code: 'STORE_TIMEOUT', outcomeUnknown: false },
    ]);
    await client.close();
  });

  it(`a stalled worker has at most ${CALLS_WAITING_MAX} calls waiting; more are refused, and none is lost count of`, async () => {
    const { client } = clientOf(STALLS);
    const patience = new AbortController();
    const calls = Array.from({ length: CALLS_WAITING_MAX + 1 }, () =>
      client.call('release', release, patience.signal),
    );
    const settled = Promise.allSettled(calls);
    const tooMany = client.call('release', release, patience.signal);
    await expect(tooMany).rejects.toMatchObject({ code: 'STORE_UNAVAILABLE', outcomeUnknown: false });
    await expect(tooMany).rejects.toThrow(/128 calls wait already/);
    patience.abort();
    const unknown = (await settled).filter(
      (each) => each.status === 'rejected' && (each.reason as { outcomeUnknown?: boolean }).outcomeUnknown,
    );
    expect(unknown).toHaveLength(1);
    // Given up, they make room again.
    const again = new AbortController();
    const call = client.call('release', release, again.signal);
    again.abort();
    await expect(call).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    await client.close();
  });

  it('a reply that comes after its call was given up is thrown away', async () => {
    const { client } = clientOf(ANSWERS);
    const patience = new AbortController();
    const givenUp = client.call('release', release, patience.signal);
    patience.abort();
    await expect(givenUp).rejects.toMatchObject({ code: 'STORE_TIMEOUT' });
    expect(await client.call('renew', {} as never, never)).toBe('renew');
    await client.close();
  });

  it('closing does not wait for a stalled disk', async () => {
    const { client } = clientOf(STALLS);
    const call = client.call('release', release, never);
    const waiting = client.call('release', release, never);
    const refused = expect(waiting).rejects.toMatchObject({ code: 'STORE_CLOSED' });
    const lost = expect(call).rejects.toMatchObject({ outcomeUnknown: true });
    await client.close();
    await Promise.all([refused, lost]);
    await expect(client.call('read', { resource: 'r' }, never)).rejects.toMatchObject({
      code: 'STORE_CLOSED',
    });
  });

  it('an open store with somebody watching does not keep a process alive, a call under way does', async () => {
    const directory = await mkdtemp(join(tmpdir(), 'conclave-leases-'));
    const program = `
      import { sqliteLeases } from ${JSON.stringify(new URL('../../src/sqlite.ts', import.meta.url).href)};
      const store = sqliteLeases({ path: ${JSON.stringify(join(directory, 'leases.db'))} });
      store.watch('r').subscribe();
      store.read('r', { signal: new AbortController().signal }).then((view) => console.log('answered', view));`;
    const env = { ...process.env };
    for (const name of ['NODE_OPTIONS', 'VITEST']) Reflect.deleteProperty(env, name);
    const args = ['--input-type=module', '--eval', program];
    const { stdout } = await promisify(execFile)(process.execPath, args, { env, timeout: 60_000 });
    expect(stdout.trim()).toBe('answered null');
    await rm(directory, { recursive: true });
  });
});
