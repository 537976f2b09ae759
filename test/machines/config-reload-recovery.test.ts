/** When gaining or keeping a configuration goes wrong: the journal, the commit, the health watch, the way back. */
import { describe, expect, test } from 'vitest';
import { inputAfterCrash } from '../../machines/index.ts';
import { failed, ReloadMember, TIMINGS } from './config-reload-member.ts';

const changed = { type: 'file.changed' } as const;
const full = { code: 'JOURNAL_FAILED', message: 'disk full' };
const sick = { code: 'UNHEALTHY', message: 'error rate above 5 %' };

const onItsWay = (to: string, input = {}) =>
  new ReloadMember(input).keeps('A').send(changed).pass(300).proceed(to, 'B');

describe('the journal', () => {
  test('takes the record before anything is committed', () => {
    const member = onItsWay('validating.recording');
    expect(member.effects.at(-1)).toEqual({ type: 'awaitJournal', params: { attempt: 2, sha: 'B' } });
    expect(member.answer({ type: 'journal.committed' }).state).toBe('committing');
  });

  test.each(['fails', 'hangs'])('that %s does not hold up a configuration by default', (how) => {
    const member = onItsWay('validating.recording');
    if (how === 'fails') member.answer({ type: 'journal.failed', error: full });
    else member.pass(TIMINGS.journalMs);
    expect(member.state).toBe('committing');
    expect(member.emitted.at(-1)).toMatchObject({ type: 'journalFailed', policy: 'continue' });
  });

  test.each(['fails', 'hangs'])('that %s stops it if so wanted: aborted, and tried again', (how) => {
    const member = new ReloadMember({ onJournalFailure: 'stop' }).send(changed).pass(300);
    member.proceed('validating.recording', 'A');
    if (how === 'fails') member.answer({ type: 'journal.failed', error: full });
    else member.pass(TIMINGS.journalMs);
    expect(member.state).toBe('aborting');
    expect(member.emitted.at(-1)).toMatchObject({ type: 'journalFailed', policy: 'stop' });
    member.answer({ type: 'handlers.aborted' });
    expect(member.state).toBe('rejected.retrying');
    expect(member.context).toMatchObject({ applied: null, knownBad: [] });
    expect(member.emitted.at(-1)).toMatchObject({ type: 'rejected', stage: 'recording', transient: true });
    member.pass(TIMINGS.retryMs).proceed('applied.watched', 'A');
  });

  test('that fails for something else is told of, no more', () => {
    const member = onItsWay('validating.recording', {}).send({
      type: 'journal.failed',
      attempt: 1,
      error: full,
    });
    expect(member.state).toBe('validating.recording');
    expect(member.emitted.at(-1)).toMatchObject({ type: 'journalFailed' });
    const resting = new ReloadMember().keeps('A').send({ type: 'journal.failed', attempt: 1, error: full });
    expect(resting.state).toBe('applied.confirmed');
    expect(resting.emitted.at(-1)).toMatchObject({ type: 'journalFailed' });
  });
});

describe('a commit that throws midway', () => {
  test('is undone: what was in force stays, and the bytes are remembered', () => {
    const member = onItsWay('committing').answer(failed('committing', { halfDone: ['database'] }));
    expect(member.state).toBe('undoing');
    expect(member.last('requestRollback')).toEqual({
      attempt: 2,
      to: { generation: 1, sha: 'A', dependencies: null },
      handlers: ['database'],
    });
    member.answer({ type: 'handlers.rolledBack' });
    expect(member.state).toBe('rejected.held');
    expect(member.context).toMatchObject({ applied: { sha: 'A' }, trouble: null, generation: 1 });
    expect(member.context.knownBad.map((bad) => bad.sha)).toEqual(['B']);
    expect(member.emitted.slice(-2)).toMatchObject([
      { type: 'rolledBack', cause: 'commit', from: 'B', generation: 1, sha: 'A' },
      { type: 'rejected', stage: 'committing', sha: 'B' },
    ]);
  });

  test('leaves an unhealthy member if the undo fails too, and says what is half done', () => {
    const member = onItsWay('committing').answer(failed('committing', { halfDone: ['database', 'cache'] }));
    member.answer(failed('rollingBack', { halfDone: ['database'] }));
    expect(member.state).toBe('unhealthy');
    expect(member.emitted.slice(-2)).toMatchObject([
      { type: 'unhealthy', code: 'CONFIG_HALF_DONE', halfDone: ['database'] },
      { type: 'rejected', stage: 'committing' },
    ]);
    expect(member.context.applied?.sha).toBe('A');
  });

  test('that hangs, with an undo that hangs, leaves every handler in doubt', () => {
    const member = onItsWay('committing').pass(TIMINGS.commitMs);
    expect(member.last('requestRollback')).toMatchObject({ handlers: ['database', 'cache'] });
    member.pass(TIMINGS.rollbackMs);
    expect(member.state).toBe('unhealthy');
    expect(member.context.trouble?.halfDone).toEqual(['database', 'cache']);
  });

  test('of the first configuration leads back to nothing', () => {
    const member = new ReloadMember().send(changed).pass(300).proceed('committing', 'A');
    member.answer(failed('committing'));
    expect(member.last('requestRollback')).toMatchObject({ to: null });
    member.answer({ type: 'handlers.rolledBack' });
    expect(member.state).toBe('rejected.held');
    expect(member.context.applied).toBeNull();
  });

  test('an unhealthy member is cured by a configuration that is applied in full, the same one included', () => {
    const halfDone = () =>
      onItsWay('committing')
        .answer(failed('committing'))
        .answer(failed('rollingBack', { halfDone: ['cache'] }));
    const same = halfDone().applies('A');
    expect(same.context).toMatchObject({ applied: { sha: 'A' }, trouble: null });
    const other = halfDone().applies('C');
    expect(other.context).toMatchObject({ applied: { sha: 'C' }, fallback: { sha: 'A' }, trouble: null });
    const rejected = halfDone().send(changed).pass(300).answer(failed('reading'));
    expect(rejected.answer({ type: 'handlers.aborted' }).state).toBe('unhealthy');
  });
});

describe('the health watch', () => {
  test('confirms what lasts: it is marked as good and becomes the way back', () => {
    const member = new ReloadMember().applies('A').pass(TIMINGS.healthMs - 1);
    expect(member.state).toBe('applied.watched');
    member.pass(1);
    expect(member.state).toBe('applied.confirmed');
    expect(member.emitted.at(-1)).toEqual({ type: 'confirmed', generation: 1, sha: 'A' });
    expect(member.last('markGood')).toEqual({ generation: 1, sha: 'A', dependencies: null });
  });

  test('of no length confirms at once', () => {
    const member = new ReloadMember({ timings: { ...TIMINGS, healthMs: 0 } }).send(changed).pass(300);
    member.proceed('applied.confirmed', 'A');
    expect(member.last('markGood')).toMatchObject({ sha: 'A' });
    expect(member.waits).toEqual([]);
  });

  test('that finds harm returns to the one before, and remembers', () => {
    const member = new ReloadMember().keeps('A').applies('B').pass(10);
    member.answer({ type: 'health.failed', error: sick });
    expect(member.state).toBe('rollingBack');
    expect(member.last('requestRollback')).toMatchObject({ attempt: 3, to: { sha: 'A' } });
    member.answer({ type: 'handlers.rolledBack' });
    expect(member.state).toBe('rejected.held');
    expect(member.context).toMatchObject({
      applied: { sha: 'A', generation: 3, confirmed: true },
      fallback: null,
    });
    expect(member.emitted.slice(-3)).toMatchObject([
      { type: 'rolledBack', cause: 'health', from: 'B', generation: 3, sha: 'A' },
      { type: 'confirmed', sha: 'A' },
      { type: 'rejected', stage: 'watching', sha: 'B', diagnostics: [{ message: sick.message }] },
    ]);
    member.send(changed).pass(300);
    member.answer({ type: 'content.read', sha: 'B', size: 1, where: 'f', dependencies: null });
    expect(member.state).toBe('rejected.held');
  });

  test('that finds harm with no way back leaves the member unhealthy, on what it has', () => {
    const member = new ReloadMember().applies('A').answer({ type: 'health.failed', error: sick });
    expect(member.state).toBe('unhealthy');
    expect(member.context).toMatchObject({ applied: { sha: 'A' }, trouble: { ...sick, halfDone: [] } });
    expect(member.pass(TIMINGS.healthMs).context.applied?.confirmed).toBe(false);
    expect(member.applies('B').context.fallback).toBeNull();
  });

  test('says nothing any more about what was confirmed', () => {
    const member = new ReloadMember().keeps('A').answer({ type: 'health.failed', error: sick });
    expect(member.state).toBe('applied.confirmed');
  });

  test.each(['reading', 'preparing', 'recording'])(
    'interrupts a newer reload that is %s, for a while',
    (stage) => {
      const member = new ReloadMember().keeps('A').applies('B').send(changed).pass(300);
      member.proceed(`validating.${stage}`, 'C').send({ type: 'health.failed', attempt: 2, error: sick });
      expect(member.state).toBe('aborting');
      expect(member.answer({ type: 'handlers.aborted' }).state).toBe('rollingBack');
      expect(member.answer({ type: 'handlers.rolledBack' }).state).toBe('validating.reading');
      member.proceed('applied.watched', 'C');
      expect(member.context).toMatchObject({ applied: { sha: 'C' }, fallback: { sha: 'A' } });
    },
  );

  test('goes on while a newer reload is tried and rejected', () => {
    const member = new ReloadMember().keeps('A').applies('B').send(changed).pass(300);
    member
      .proceed('validating.checking', 'C')
      .answer(failed('checking'))
      .answer({ type: 'handlers.aborted' });
    expect(member.state).toBe('rejected.held');
    member.pass(TIMINGS.healthMs);
    expect(member.emitted.at(-1)).toMatchObject({ type: 'confirmed', sha: 'B' });
  });

  test('of what was replaced meanwhile finds nothing; of what came back it does', () => {
    const replaced = new ReloadMember()
      .keeps('A')
      .applies('B')
      .send(changed)
      .pass(300)
      .proceed('committing', 'C');
    replaced.send({ type: 'health.failed', attempt: 2, error: sick }).answer({ type: 'handlers.committed' });
    expect(replaced.state).toBe('applied.watched');
    expect(replaced.context).toMatchObject({ applied: { sha: 'C' }, retreat: null });
    const back = new ReloadMember()
      .keeps('A')
      .applies('B')
      .send(changed)
      .pass(300)
      .proceed('committing', 'C');
    back.send({ type: 'health.failed', attempt: 2, error: sick }).answer(failed('committing'));
    expect(back.answer({ type: 'handlers.rolledBack' }).state).toBe('rollingBack');
    expect(back.answer({ type: 'handlers.rolledBack' }).context.applied?.sha).toBe('A');
  });

  test('never leads back to one that was not confirmed while there is a better', () => {
    const member = new ReloadMember().keeps('A').applies('B').applies('C');
    expect(member.context.fallback?.sha).toBe('A');
    const young = new ReloadMember().applies('A').applies('B').answer({ type: 'health.failed', error: sick });
    young.answer({ type: 'handlers.rolledBack' });
    expect(young.context.applied).toMatchObject({ sha: 'A', confirmed: false, attempt: 3 });
    expect(young.pass(TIMINGS.healthMs).context.applied?.confirmed).toBe(true);
  });

  test.each(['fails', 'hangs'])('with a rollback that %s leaves an unhealthy member', (how) => {
    const member = new ReloadMember().keeps('A').applies('B').answer({ type: 'health.failed', error: sick });
    if (how === 'fails') member.answer(failed('rollingBack', { halfDone: ['cache'] }));
    else member.pass(TIMINGS.rollbackMs);
    expect(member.state).toBe('unhealthy');
    expect(member.context.trouble?.halfDone).toEqual(how === 'fails' ? ['cache'] : ['database', 'cache']);
    expect(member.context.applied?.sha).toBe('B');
  });
});

describe('a rollback on request', () => {
  test('returns to the one before; the withdrawn bytes need force to come again', () => {
    const member = new ReloadMember().keeps('A').keeps('B').send({ type: 'rollback' });
    member.answer({ type: 'handlers.rolledBack' });
    expect(member.state).toBe('applied.confirmed');
    expect(member.context.applied).toMatchObject({ sha: 'A', generation: 3 });
    expect(member.emitted.at(-2)).toMatchObject({ type: 'rolledBack', cause: 'command', from: 'B' });
    expect(member.told).not.toContain('rejected');
    member.send(changed).pass(300);
    member.answer({ type: 'content.read', sha: 'B', size: 1, where: 'f', dependencies: null });
    expect(member.state).toBe('rejected.held');
    member.send({ type: 'reload', force: true, target: null }).proceed('applied.watched', 'B');
    expect(member.context.applied).toMatchObject({ generation: 4 });
  });

  test('without anything to return to is ignored', () => {
    expect(new ReloadMember().send({ type: 'rollback' }).state).toBe('idle');
    expect(new ReloadMember().keeps('A').send({ type: 'rollback' }).state).toBe('applied.confirmed');
  });

  test('during a commit means what is being committed', () => {
    const done = onItsWay('committing').send({ type: 'rollback' }).answer({ type: 'handlers.committed' });
    expect(done.state).toBe('rollingBack');
    expect(done.last('requestRollback')).toMatchObject({ to: { sha: 'A' } });
    const undone = onItsWay('committing').send({ type: 'rollback' }).answer(failed('committing'));
    expect(undone.answer({ type: 'handlers.rolledBack' }).state).toBe('rejected.held');
    expect(undone.context.applied?.sha).toBe('A');
  });

  test('given twice goes back once', () => {
    const member = new ReloadMember()
      .keeps('A')
      .keeps('B')
      .send({ type: 'rollback' })
      .send({ type: 'rollback' });
    expect(member.answer({ type: 'handlers.rolledBack' }).state).toBe('applied.confirmed');
  });
});

describe('after a crash', () => {
  test('what was on probation or being committed is known to be bad, and the last confirmed one good', () => {
    const watched = inputAfterCrash(new ReloadMember().keeps('A').applies('B').context);
    expect(watched).toMatchObject({ generation: 2, lastGood: { generation: 1, sha: 'A' } });
    expect(watched.knownBad).toMatchObject([{ sha: 'B', problem: { code: 'CONFIG_CRASHED' } }]);
    const committing = inputAfterCrash(onItsWay('committing').context);
    expect(committing.lastGood?.sha).toBe('A');
    expect(committing.knownBad.map((bad) => bad.sha)).toEqual(['B']);
    expect(inputAfterCrash(onItsWay('validating.checking').context).knownBad).toEqual([]);
  });

  test('with nothing confirmed yet the last good one is that of the process before', () => {
    const lastGood = { generation: 7, sha: 'Z', dependencies: null };
    const input = inputAfterCrash(new ReloadMember({ lastGood, generation: 7 }).applies('A').context);
    expect(input).toMatchObject({ lastGood, generation: 8 });
  });

  test('what was good in an earlier process is not to blame, whether new in this one or on its way', () => {
    const lastGood = { generation: 7, sha: 'A', dependencies: null };
    const begun = () => new ReloadMember({ lastGood, generation: 7 }).applies('A');
    expect(inputAfterCrash(begun().context)).toMatchObject({ lastGood, knownBad: [] });
    const next = inputAfterCrash(begun().send(changed).pass(300).proceed('committing', 'B').context);
    expect(next.lastGood).toEqual(lastGood);
    expect(next.knownBad.map((bad) => bad.sha)).toEqual(['B']);
  });
});
