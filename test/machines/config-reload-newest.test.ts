/** What comes while something is going on: the newest input wins, late answers lose, bad bytes stay bad. */
import { describe, expect, test } from 'vitest';
import type { ConfigReloadEvent } from '../../machines/index.ts';
import { CHANGED, failed, INPUT, problem, ReloadMember, TIMINGS } from './config-reload-member.ts';

const changed = { type: 'file.changed' } as const;
const reload = { type: 'reload', force: false, target: null } as const;
const force = { type: 'reload', force: true, target: null } as const;
const RUNNING = ['reading', 'parsing', 'checking', 'preparing', 'recording'] as const;

/** A member on A whose file just changed to B. */
const onItsWay = (to: string) => new ReloadMember().keeps('A').send(changed).pass(300).proceed(to, 'B');

function rejects(member: ReloadMember, sha: string, dependencies: string | null = null): ReloadMember {
  member.send(changed).pass(300).proceed('validating.checking', sha, dependencies);
  return member.answer(failed('checking', { dependencies })).answer({ type: 'handlers.aborted' });
}

describe('a newer input', () => {
  test.each(RUNNING)('ends an attempt that is %s, and waits for its abort', (stage) => {
    const member = onItsWay(`validating.${stage}`).send(changed);
    expect(member.state).toBe('aborting');
    expect(member.last('requestAbort')).toEqual({ attempt: 2, sha: stage === 'reading' ? null : 'B' });
    expect(member.emitted.at(-1)).toMatchObject({ type: 'superseded', attempt: 2, stage });
    expect(member.answer({ type: 'handlers.aborted' }).state).toBe('debouncing');
    member.pass(300).proceed('applied.watched', 'C');
    expect(member.context.applied).toMatchObject({ sha: 'C', attempt: 3 });
    expect(member.told).not.toContain('rejected');
  });

  test('ends a hanging preparation; what hangs even when aborted is left behind after a while', () => {
    const member = onItsWay('validating.preparing').pass(1000).send(reload);
    expect(member.state).toBe('aborting');
    expect(member.pass(TIMINGS.abortMs).state).toBe('validating.reading');
    expect(member.told).toContain('abortFailed');
  });

  test('does not wait for quiet again if the abort took that long', () => {
    const member = onItsWay('validating.preparing').send(changed).pass(200);
    expect(member.answer({ type: 'handlers.aborted' }).waits).toContain(100);
    expect(member.pass(100).state).toBe('validating.reading');
  });

  test('waits for a commit that has begun, and comes right after it', () => {
    const member = onItsWay('committing').send(changed).pass(100).send(changed);
    expect(member.state).toBe('committing');
    member.answer({ type: 'handlers.committed' });
    expect(member.context.applied?.sha).toBe('B');
    expect(member.state).toBe('debouncing');
    member.pass(300).proceed('applied.watched', 'C');
    expect(member.context).toMatchObject({ applied: { sha: 'C' }, fallback: { sha: 'A' } });
  });

  test('comes after an undo or a rollback too', () => {
    const undoing = onItsWay('committing').answer(failed('committing', { halfDone: ['cache'] }));
    expect(undoing.send(reload).state).toBe('undoing');
    expect(undoing.answer({ type: 'handlers.rolledBack' }).state).toBe('validating.reading');
    const rollingBack = new ReloadMember().keeps('A').keeps('B').send({ type: 'rollback' });
    expect(rollingBack.send(changed).state).toBe('rollingBack');
    expect(rollingBack.answer({ type: 'handlers.rolledBack' }).state).toBe('debouncing');
  });

  test('of two that wait, the last one counts with all it says', () => {
    const member = onItsWay('committing').send(force).send(changed);
    expect(member.context.order).toMatchObject({ trigger: 'file', urgent: false, force: false });
    const other = onItsWay('committing').send(changed).send(force);
    expect(other.context.order).toMatchObject({ trigger: 'command', urgent: true, force: true });
  });

  test('by way of a rollback drops what was being tried', () => {
    const member = new ReloadMember().keeps('A').keeps('B').send(changed).pass(300);
    member.proceed('validating.checking', 'C').send({ type: 'rollback' });
    member.answer({ type: 'handlers.aborted' });
    expect(member.state).toBe('rollingBack');
    member.answer({ type: 'handlers.rolledBack' });
    expect(member.state).toBe('applied.confirmed');
    expect(member.context.applied?.sha).toBe('A');
  });
});

describe('late answers', () => {
  const replies: readonly ConfigReloadEvent[] = [
    { type: 'content.read', at: 0, attempt: 2, sha: 'X', size: 1, where: 'f', dependencies: null },
    { type: 'content.missing', at: 0, attempt: 2 },
    { type: 'content.parsed', at: 0, attempt: 2, dependencies: 'late' },
    { type: 'content.checked', at: 0, attempt: 2, changed: CHANGED },
    { type: 'handlers.prepared', at: 0, attempt: 2, handlers: [] },
    { type: 'journal.committed', at: 0, attempt: 2 },
    { type: 'handlers.committed', at: 0, attempt: 2 },
    { type: 'handlers.aborted', at: 0, attempt: 2 },
    { type: 'handlers.rolledBack', at: 0, attempt: 2 },
    { type: 'health.failed', at: 0, attempt: 2, error: { code: 'X', message: 'x' } },
    { type: 'watch.elapsed', attempt: 2 },
  ];
  const states = [
    ...RUNNING.map((stage) => `validating.${stage}`),
    'committing',
    'aborting',
    'undoing',
    'rollingBack',
  ];

  const stages = [
    'reading',
    'parsing',
    'checking',
    'preparing',
    'committing',
    'aborting',
    'rollingBack',
  ] as const;

  test.each(states)('to an attempt before change nothing in %s', (state) => {
    const member = onItsWay('validating.checking').send(reload).answer({ type: 'handlers.aborted' });
    if (state === 'aborting') member.proceed('validating.preparing', 'C').answer(failed('preparing'));
    else if (state === 'rollingBack') member.proceed('applied.watched', 'C').send({ type: 'rollback' });
    else if (state === 'undoing') member.proceed('committing', 'C').answer(failed('committing'));
    else member.proceed(state, 'C');
    expect(member.state).toBe(state);
    expect(member.context.attempt).toBeGreaterThan(2);
    const before = structuredClone({ state: member.state, context: member.context });
    for (const reply of replies) member.send(reply);
    for (const stage of stages) member.send({ ...failed(stage), attempt: 2 });
    expect({ state: member.state, context: member.context }).toEqual(before);
  });

  test('of an earlier stage of the same attempt change nothing either', () => {
    const member = onItsWay('validating.recording');
    member.answer({ type: 'content.read', sha: 'X', size: 1, where: 'f', dependencies: null });
    member.answer({ type: 'content.parsed', dependencies: 'late' }).answer(failed('preparing'));
    expect(member.state).toBe('validating.recording');
    expect(member.context.run).toMatchObject({ sha: 'B', dependencies: null });
  });

  test('of a commit that was given up do not put anything in force', () => {
    const member = onItsWay('committing').pass(TIMINGS.commitMs);
    expect(member.state).toBe('undoing');
    member.answer({ type: 'handlers.committed' }).answer({ type: 'handlers.rolledBack' });
    expect(member.context.applied?.sha).toBe('A');
    expect(member.told).toContain('rejected');
  });
});

describe('bytes that were rejected', () => {
  test('are refused from memory, with the first reason', () => {
    const member = rejects(new ReloadMember().keeps('A'), 'B').send(changed).pass(300);
    member.answer({ type: 'content.read', sha: 'B', size: 1, where: 'f', dependencies: null });
    expect(member.state).toBe('rejected.held');
    expect(member.emitted.at(-1)).toMatchObject({
      type: 'rejected',
      sha: 'B',
      stage: 'checking',
      known: true,
      diagnostics: [problem('checking')],
    });
  });

  test('are tried again if that is forced, and forgotten to be bad when they pass', () => {
    const member = rejects(new ReloadMember(), 'B').send(force).proceed('applied.watched', 'B');
    expect(member.context).toMatchObject({ applied: { sha: 'B' }, knownBad: [] });
    const unforced = rejects(new ReloadMember(), 'B').send(reload);
    unforced.answer({ type: 'content.read', sha: 'B', size: 1, where: 'f', dependencies: null });
    expect(unforced.state).toBe('rejected.held');
  });

  test('are tried again if what they refer to has changed, which may be known only after parsing', () => {
    const member = rejects(new ReloadMember(), 'B', 'env1').send({ type: 'dependencies.changed' }).pass(300);
    member.proceed('validating.parsing', 'B').answer({ type: 'content.parsed', dependencies: 'env1' });
    expect(member.state).toBe('rejected.held');
    expect(member.emitted.at(-1)).toMatchObject({ type: 'rejected', known: true });
    member.send({ type: 'dependencies.changed' }).pass(300).proceed('applied.watched', 'B', 'env2');
    expect(member.context.applied).toMatchObject({ sha: 'B', dependencies: 'env2' });
  });

  test('are refused before parsing if what they refer to is known at once', () => {
    const member = rejects(new ReloadMember(), 'B', 'env1').send(changed).pass(300);
    member.answer({ type: 'content.read', sha: 'B', size: 1, where: 'f', dependencies: 'env1' });
    expect(member.state).toBe('rejected.held');
  });

  test('do not keep the file from being put back', () => {
    const member = rejects(new ReloadMember().keeps('A'), 'B').send(changed).pass(300);
    member.answer({ type: 'content.read', sha: 'A', size: 1, where: 'f', dependencies: null });
    expect(member.state).toBe('applied.confirmed');
    expect(member.context.rejection).toBeNull();
  });

  test('may be known from an earlier process, which they killed', () => {
    const crash = { sha: 'B', dependencies: null, stage: 'watching', problem: problem('watching') } as const;
    const lastGood = { generation: 4, sha: 'A', dependencies: null };
    const member = new ReloadMember({ ...INPUT, generation: 5, knownBad: [crash], lastGood }).send(reload);
    member.answer({ type: 'content.read', sha: 'B', size: 1, where: 'f', dependencies: null });
    expect(member.told).toEqual(['reloadStarted', 'rejected', 'reloadStarted']);
    expect(member.last('requestRead')).toEqual({ attempt: 2, sha: 'A' });
    member.proceed('applied.watched', 'A');
    expect(member.emitted.at(-1)).toMatchObject({ type: 'applied', trigger: 'lastGood', generation: 6 });
  });

  test('and the last good one with them leave the member with nothing, once, without a loop', () => {
    const lastGood = { generation: 4, sha: 'A', dependencies: null };
    const member = rejects(new ReloadMember({ lastGood }), 'B');
    expect(member.state).toBe('validating.reading');
    member
      .proceed('validating.checking', 'A')
      .answer(failed('checking'))
      .answer({ type: 'handlers.aborted' });
    expect(member.state).toBe('rejected.held');
    expect(rejects(member, 'C').state).toBe('rejected.held');
  });

  test('for want of luck do not lead to the last good one: they are tried again', () => {
    const lastGood = { generation: 4, sha: 'A', dependencies: null };
    const member = new ReloadMember({ lastGood }).send(reload);
    member.answer(failed('reading', { transient: true })).answer({ type: 'handlers.aborted' });
    expect(member.state).toBe('rejected.retrying');
  });
});
