/** What the Stately inspector is sent, received by the package's own server and receiver. */
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect';
import { createInspectorServer } from '@statelyai/inspect/server';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test, vi } from 'vitest';
import type { InspectionEvent } from 'xstate';
import { z } from 'zod';
import { createConfigReload } from '../../src/config.ts';
import { createLeaderElection, memoryLeases } from '../../src/index.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { configReloadMachine, leadershipMachine } from '../../machines/index.ts';
import { statelyInspector } from '../../src/observability/index.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { freePort } from '../redis/ports.ts';
import { Running } from './conclave-program.ts';

/** The package's server, and what somebody who looks at it receives. */
async function inspected() {
  const port = await freePort();
  const server = createInspectorServer({ port, autoOpen: false });
  const received: StatelyInspectionEvent[] = [];
  const url = `ws://127.0.0.1:${port}`;
  createWebSocketReceiver({ server: url }).subscribe((event) => received.push(event));
  return { url, received, [Symbol.dispose]: () => server.stop() };
}

const valueOf = (event: StatelyInspectionEvent | undefined): unknown =>
  event !== undefined && 'snapshot' in event ? (event.snapshot as { value?: unknown }).value : undefined;

const patience = { timeout: 20_000, interval: 20 };

test('a live election shows its chart, each event and the state it led to, and its journal plays the same', async () => {
  using place = await inspected();
  using inspector = await statelyInspector({ url: place.url });
  const records: JournalRecord[] = [];
  await using leases = memoryLeases();
  {
    await using election = createLeaderElection({ resource: 'billing', leases, inspect: inspector.inspect });
    await election.start();
    await election.whenLeader();
    await election.stop();
    for await (const record of election.journal.export()) records.push(record);
  }
  await vi.waitUntil(() => valueOf(place.received.at(-1)) === 'stopped', patience);
  const [actor] = place.received;
  expect(actor).toMatchObject({ type: '@xstate.actor', snapshot: { value: { follower: 'watching' } } });
  const chart = JSON.parse((actor as { definition: string }).definition) as { states: object };
  expect(Object.keys(chart.states)).toContain('leader');
  const live = place.received.filter(({ type }) => type === '@xstate.snapshot').map(valueOf);
  expect(live).toContainEqual({ leader: 'renewing' });

  const before = place.received.length;
  await inspector.play(records, leadershipMachine);
  await vi.waitUntil(
    () => place.received.length > before && valueOf(place.received.at(-1)) === 'stopped',
    patience,
  );
  const played = place.received.slice(before);
  expect(played[0]).toMatchObject({ type: '@xstate.actor', sessionId: records[0]?.stream });
  const states = records.slice(1).map(({ to, from }) => to ?? from);
  expect(played.filter(({ type }) => type === '@xstate.snapshot').map(valueOf)).toEqual(states);
});

test('so does a configuration, with no value of it; and an inspector that throws disturbs it no more than an election', async () => {
  using place = await inspected();
  using inspector = await statelyInspector({ url: place.url });
  using scratch = temporaryDirectory();
  const source = join(scratch.path, 'app.yaml');
  writeFileSync(source, 'password: hunter2\n');
  const records: JournalRecord[] = [];
  const faults: string[] = [];
  const logger = {
    debug() {},
    info() {},
    error() {},
    warn: (_: object, text: string) => void faults.push(text),
  };
  const inspect = (event: InspectionEvent) => {
    inspector.inspect(event);
    throw new Error('an inspector out of order');
  };
  await using config = createConfigReload({
    source,
    schema: z.object({ password: z.string() }),
    inspect,
    logger,
  });
  await config.start();
  await config.stop();
  for await (const record of config.journal.export()) records.push(record);
  await vi.waitUntil(() => valueOf(place.received.at(-1)) === 'stopped', patience);
  expect(place.received[0]).toMatchObject({ type: '@xstate.actor', name: 'configReload' });
  expect(JSON.stringify(place.received)).not.toContain('hunter2');
  expect(faults.filter((text) => text.includes('inspector'))).toEqual([
    'The inspector throws; the configuration goes on',
  ]);

  const before = place.received.length;
  await inspector.play(records, configReloadMachine);
  await vi.waitUntil(
    () => place.received.length > before && valueOf(place.received.at(-1)) === 'stopped',
    patience,
  );
  expect(place.received[before]).toMatchObject({ type: '@xstate.actor', sessionId: records[0]?.stream });
});

test.each([['http://127.0.0.1:8080'], ['nowhere']])('an address such as %s is refused', async (url) => {
  await expect(statelyInspector({ url })).rejects.toThrow(
    `The inspector's address is "${url}", but must be that of a WebSocket`,
  );
});

test('conclave up --inspect shows a member with its configuration, and conclave journal play what it recorded', async () => {
  using place = await inspected();
  using scratch = temporaryDirectory();
  writeFileSync(join(scratch.path, 'app.yaml'), 'level: info\n');
  {
    await using member = new Running(
      ['up', '--id', 'web-1', '--journal', 'web-1.db', '--inspect', place.url, '--configuration', 'app.yaml'],
      {
        cwd: scratch.path,
      },
    );
    await member.says(/Leadership acquired/);
    await vi.waitUntil(() => new Set(place.received.map(({ sessionId }) => sessionId)).size === 2, patience);
    member.kill('SIGTERM');
    expect((await member.ended).code, member.stderr).toBe(0);
  }
  const stopped = () => place.received.filter((event) => valueOf(event) === 'stopped').length;
  await vi.waitUntil(() => stopped() === 2, patience);
  const before = place.received.length;
  await using playing = new Running(
    ['journal', 'play', 'web-1.db', '--stream', 'leadership', '--to', place.url],
    {
      cwd: scratch.path,
    },
  );
  await playing.says(/records played/);
  await vi.waitUntil(
    () => place.received.length > before && valueOf(place.received.at(-1)) === 'stopped',
    patience,
  );
  playing.kill('SIGTERM');
  expect((await playing.ended).code, playing.stderr).toBe(0);
  const nowhere = `ws://127.0.0.1:${await freePort()}`;
  await using waiting = new Running(
    ['journal', 'play', 'web-1.db', '--stream', 'leadership', '--to', nowhere],
    {
      cwd: scratch.path,
    },
  );
  await waiting.says(/records are kept for the inspector, but nobody listens at ws:/);
  waiting.kill('SIGTERM');
  expect((await waiting.ended).code, waiting.stderr).toBe(0);
});

test('an inspector that comes late is told everything', async () => {
  const port = await freePort();
  const url = `ws://127.0.0.1:${port}`;
  const clock = new VirtualClock();
  using inspector = await statelyInspector({ url, clock });
  await using leases = memoryLeases();
  {
    await using election = createLeaderElection({ resource: 'billing', leases, inspect: inspector.inspect });
    await election.start();
  }
  // Nobody has answered: it is called again in a while.
  await vi.waitUntil(() => clock.pending === 1, patience);
  const server = createInspectorServer({ port, autoOpen: false });
  try {
    const received: StatelyInspectionEvent[] = [];
    createWebSocketReceiver({ server: url }).subscribe((event) => received.push(event));
    // The server may not listen yet.
    await vi.waitUntil(() => {
      clock.advance(5000);
      return valueOf(received.at(-1)) === 'stopped';
    }, patience);
  } finally {
    server.stop();
  }
});
