import { afterEach, expect, test } from 'vitest';
import { createTestElection, type TestElection } from '../../src/testing.ts';

let election: TestElection;
afterEach(() => election.stop());

test('leads when told to, with real terms, events and records', async () => {
  election = createTestElection({ resource: 'billing' });
  const events: string[] = [];
  for (const type of ['becameLeader', 'lostLeadership'] as const) election.on(type, () => events.push(type));
  await election.start();
  expect(election.isLeader).toBe(false);
  const term = await election.lead();
  expect(election.isLeader).toBe(true);
  expect(term.token).toBeGreaterThan(0n);
  await election.lose();
  expect(election.isLeader).toBe(false);
  expect(term.signal.aborted).toBe(true);
  expect(events).toEqual(['becameLeader', 'lostLeadership']);
  const types = [];
  for await (const record of election.journal.export()) types.push(record.event.type);
  expect(types).toContain('lease.acquired');
});

test('loses at once although a renewal was on its way', async () => {
  election = createTestElection();
  await election.start();
  for (let i = 0; i < 5; i++) {
    const term = await election.lead();
    await election.lose();
    expect(term.isCurrent).toBe(false);
  }
});

test('follows whom it is told, and terms grow', async () => {
  election = createTestElection({ leader: 'web-1' });
  await election.start();
  await expect.poll(() => election.currentLeader).toBe('web-1');
  const first = await election.lead();
  await election.follow('web-2');
  await expect.poll(() => election.currentLeader).toBe('web-2');
  const second = await election.lead();
  expect(second.token).toBeGreaterThan(first.token);
  expect(second.number).toBe(first.number + 1);
});

test('nobody leads at first, and again when told so', async () => {
  election = createTestElection();
  await election.start();
  await expect.poll(() => election.actor.getSnapshot().context.attempt).toBe(1);
  expect(election.currentLeader).toBeNull();
  await election.follow('web-1');
  expect(election.currentLeader).toBe('web-1');
  await election.follow(null);
  expect(election.currentLeader).toBeNull();
});

test('knows whom it follows after it has led', async () => {
  election = createTestElection();
  await election.start();
  await election.lead();
  await election.follow('web-2');
  expect(election.currentLeader).toBe('web-2');
});

test('leads again after it has resigned, even at once', async () => {
  election = createTestElection();
  await election.start();
  const first = await election.lead();
  await election.resign();
  const second = await election.lead();
  void election.resign();
  const third = await election.lead();
  expect(second.token).toBeGreaterThan(first.token);
  expect(third.token).toBeGreaterThan(second.token);
});

test('tasks are free to take, and leave the leadership alone', async () => {
  election = createTestElection();
  await election.start();
  const term = await election.lead();
  expect(await election.tryRun('nightly', () => 'done')).toEqual({ ran: true, value: 'done' });
  expect(term.isCurrent).toBe(true);
  await election.lose();
  expect(term.isCurrent).toBe(false);
});
