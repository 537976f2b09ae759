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
