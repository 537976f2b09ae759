import { describe, expect, test } from 'vitest';
import { leadershipMachine } from '../../machines/index.ts';
import { bisect } from '../../src/journal/bisect.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { type Change, whatIf } from '../../src/journal/what-if.ts';
import type { LeaderElection } from '../../src/leader-election.ts';
import { LEASE, useMembers } from './election-members.ts';
import { elapse } from './elapse.ts';

const members = useMembers();

async function recordsOf(election: LeaderElection): Promise<JournalRecord[]> {
  const records: JournalRecord[] = [];
  for await (const record of election.journal.export()) records.push(record);
  return records;
}

/** A member that won, renewed for a while and goes on. */
async function leading(): Promise<JournalRecord[]> {
  const election = await members.started('a');
  await elapse(members.clock, 2 * LEASE);
  return recordsOf(election);
}

const seqOf = (records: readonly JournalRecord[], type: string, nth = 1): number =>
  records.filter(({ event }) => event.type === type)[nth - 1]?.seq ?? expect.fail(`no ${type}`);

const fork = (records: readonly JournalRecord[], seq: number, change: Change) =>
  whatIf(records, leadershipMachine, seq, change);

describe('a fork', () => {
  test('in which nothing is changed is the record, step by step', async () => {
    const records = await leading();
    for (const { seq, kind, event } of records) {
      if (kind !== 'event') continue;
      const at = (event.data as { readonly at: number }).at;
      const { steps, missing, end, recordedEnd } = fork(records, seq, {
        kind: 'edit',
        path: '/at',
        value: at,
      });
      expect(steps.map(({ record }) => record?.seq)).toEqual(
        records.slice(seq - 1).map((record) => record.seq),
      );
      expect(steps.filter(({ differs }) => differs !== null)).toEqual([]);
      expect({ missing, end }).toEqual({ missing: [], end: recordedEnd });
    }
  });

  test('without the reply to a renewal tries again, and without any loses its term by itself', async () => {
    const records = await leading();
    const { steps } = fork(records, seqOf(records, 'lease.renewed', 2), { kind: 'drop' });
    expect(steps[0]).toMatchObject({
      cause: 'timer',
      differs: 'new',
      to: { leader: 'retrying' },
      event: { type: 'xstate.after.callTimeout.leadership.leader.renewing' },
    });
    const alone = records.filter(
      ({ seq, event }) => event.type !== 'lease.renewed' || seq === seqOf(records, 'lease.renewed'),
    );
    const first = alone.find(({ kind, seq }) => kind === 'timer' && seq > seqOf(records, 'lease.renewed'));
    const { steps: lost } = fork(alone, first?.seq ?? 0, { kind: 'delay', ms: 0 });
    const ended = lost.find(({ to }) => typeof to === 'object' && to !== null && 'follower' in to);
    expect(ended?.event.type).toBe('xstate.after.untilDeadline.leadership.leader');
  });

  test('with a resignation more gives the lease up', async () => {
    const records = await leading();
    const seq = seqOf(records, 'lease.renewed', 2);
    const { steps, end } = fork(records, seq, { kind: 'insert', event: { type: 'resign', data: { at: 0 } } });
    expect(steps[0]).toMatchObject({
      cause: 'inserted',
      record: null,
      differs: 'new',
      to: { releasing: 'draining' },
    });
    expect(steps[0]?.effects.map(({ type }) => type)).toContain('closeTerm');
    expect(end).not.toHaveProperty('leader');
  });

  test('in which a reply comes after the belief has ended ends the term', async () => {
    const records = await leading();
    const seq = seqOf(records, 'lease.renewed', 1);
    const { steps } = fork(records.slice(0, seq), seq, { kind: 'delay', ms: LEASE });
    const closed = steps.findIndex(({ effects }) => effects.some(({ type }) => type === 'closeTerm'));
    const late = steps.findIndex(({ record }) => record?.seq === seq);
    expect(closed).toBeGreaterThanOrEqual(0);
    expect(late).toBeGreaterThan(closed);
    expect(steps[late]?.to).not.toHaveProperty('leader');
  });

  test.each([
    [1, { kind: 'drop' }, /@1 cannot be forked at: a record of kind "init"/],
    [999, { kind: 'drop' }, /@999 cannot be forked at: there is no such record/],
    [3, { kind: 'edit', path: '/nothing', value: 1 }, /its event has no \/nothing; it has \/attempt, /],
    [2, { kind: 'edit', path: '/type', value: 'x' }, /drop or delay it/],
  ] as const)('of @%i by %o is refused with the reason', async (seq, change, message) => {
    const records = await leading();
    expect(() => fork(records, seq, change)).toThrow(message);
  });
});

describe('two versions of a chart', () => {
  test('agree on everything if they are one', async () => {
    const records = await leading();
    expect(await bisect(records, leadershipMachine, leadershipMachine)).toEqual({
      matched: records.length,
      divergence: null,
    });
  });

  test('differ first at the record that the change touches, whatever was recorded', async () => {
    const records = await leading();
    const deaf = leadershipMachine.provide({ guards: { isReply: () => false } });
    const { divergence, matched } = await bisect(records, leadershipMachine, deaf);
    const first = seqOf(records, 'lease.acquired');
    expect({ seq: divergence?.seq, matched, part: divergence?.part }).toEqual({
      seq: first,
      matched: first - 1,
      part: 'state',
    });
  });
});
