/** Following the cluster's head: acting on any difference, waiting for the own copy, two sources at once. */
import { describe, expect, test } from 'vitest';
import { failed, ReloadMember, TIMINGS } from './config-reload-member.ts';

const changed = { type: 'file.changed' } as const;
const head = (generation: number, sha: string, term = 1) =>
  ({ type: 'head.changed', term, generation, sha }) as const;

const follower = () => new ReloadMember({ followsHead: true });
const following = (generation: number, sha: string) =>
  follower().send(head(generation, sha)).proceed('applied.watched', sha).pass(TIMINGS.healthMs);

describe('a member that follows the head', () => {
  test('does nothing of its own accord before there is one', () => {
    const member = follower().send(changed).send({ type: 'dependencies.changed' });
    member.send({ type: 'reload', force: true, target: null });
    expect(member.state).toBe('idle');
    const target = { generation: 3, sha: 'A' };
    member.send({ type: 'reload', force: false, target }).proceed('applied.watched', 'A');
    expect(member.context.applied).toMatchObject(target);
  });

  test('reads exactly what the head wants, at once, and takes over its generation', () => {
    const member = follower().send(head(41, 'A'));
    expect(member.last('requestRead')).toEqual({ attempt: 1, sha: 'A' });
    member.proceed('applied.watched', 'A');
    expect(member.context.applied).toMatchObject({ generation: 41, sha: 'A' });
  });

  test('waits for its file where it has another one, and goes on when that arrives', () => {
    const member = follower().send(head(1, 'A'));
    member.answer({ type: 'content.read', sha: 'old', size: 1, where: 'f', dependencies: null });
    expect(member.state).toBe('waitingForFile');
    expect(member.emitted.at(-1)).toEqual({
      type: 'waitingForFile',
      attempt: 1,
      generation: 1,
      sha: 'A',
      found: 'old',
    });
    member.send(changed).pass(300).proceed('applied.watched', 'A');
  });

  test('does not mind changes of its own file once it has what the head wants', () => {
    const member = following(1, 'A').send(changed).send({ type: 'file.missing' });
    expect(member.state).toBe('applied.confirmed');
    member.send({ type: 'dependencies.changed' }).pass(200).send(changed).send({ type: 'file.missing' });
    expect(member.waits).toEqual([100]);
  });

  test('follows a head that moves backwards: different is enough, larger is not asked', () => {
    const member = following(9, 'B').send(head(7, 'A')).proceed('applied.watched', 'A');
    expect(member.context).toMatchObject({ applied: { generation: 7, sha: 'A' }, generation: 9 });
  });

  test('takes the same word only once, whoever says it', () => {
    const member = following(1, 'A');
    const before = member.context;
    expect(member.send(head(1, 'A', 2)).context).toBe(before);
  });

  test('adopts a new generation of what is in force without reading it', () => {
    const member = following(1, 'A').send(head(2, 'A'));
    expect(member.state).toBe('applied.confirmed');
    expect(member.context.applied).toMatchObject({ generation: 2, sha: 'A' });
    expect(member.emitted.at(-1)).toEqual({ type: 'adopted', generation: 2, sha: 'A' });
  });

  test('gives up a reload when the head returns to what is in force', () => {
    const member = following(1, 'A')
      .send(head(2, 'B'))
      .proceed('validating.preparing', 'B')
      .send(head(3, 'A'));
    expect(member.state).toBe('aborting');
    member.answer({ type: 'handlers.aborted' });
    expect(member.state).toBe('applied.confirmed');
    expect(member.context.applied).toMatchObject({ generation: 3, sha: 'A' });
  });

  test('returns after a commit if the head returned during it', () => {
    const member = following(1, 'A').send(head(2, 'B')).proceed('committing', 'B').send(head(3, 'A'));
    member.answer({ type: 'handlers.committed' });
    expect(member.state).toBe('validating.reading');
    expect(member.last('requestRead')).toMatchObject({ sha: 'A' });
  });

  test('rejects what the head wants and reports it; the next head is the cure', () => {
    const member = following(1, 'A').send(head(2, 'B')).proceed('validating.checking', 'B');
    member.answer(failed('checking')).answer({ type: 'handlers.aborted' });
    expect(member.emitted.at(-1)).toMatchObject({ type: 'rejected', generation: 2, sha: 'B' });
    expect(member.send(head(3, 'A')).state).toBe('applied.confirmed');
    member.send(head(4, 'B'));
    member.answer({ type: 'content.read', sha: 'B', size: 1, where: 'store', dependencies: null });
    expect(member.emitted.at(-1)).toMatchObject({ type: 'rejected', generation: 4, sha: 'B', known: true });
  });

  test('keeps the generation of the head it returns to after harm', () => {
    const member = following(5, 'A').send(head(6, 'B')).proceed('applied.watched', 'B');
    member.answer({ type: 'health.failed', error: { code: 'X', message: 'x' } });
    member.answer({ type: 'handlers.rolledBack' });
    expect(member.state).toBe('rejected.held');
    expect(member.context.applied).toMatchObject({ generation: 5, sha: 'A' });
  });

  test('acts on the last of two sources that speak at once', () => {
    const fileFirst = following(1, 'A').send(head(2, 'B'));
    fileFirst.answer({ type: 'content.missing' }).send(changed).send(head(3, 'C'));
    expect(fileFirst.state).toBe('validating.reading');
    expect(fileFirst.last('requestRead')).toMatchObject({ sha: 'C' });
    const headFirst = following(1, 'A').send(head(2, 'B')).send(changed);
    headFirst.answer({ type: 'handlers.aborted' }).pass(300);
    expect(headFirst.last('requestRead')).toMatchObject({ sha: 'B' });
    expect(headFirst.proceed('applied.watched', 'B').context.applied?.generation).toBe(2);
  });

  test('boots on the last good one, with its generation, if the head wants a killer', () => {
    const knownBad = [
      {
        sha: 'B',
        dependencies: null,
        stage: 'watching' as const,
        problem: { ...failed('watching').diagnostics[0]! },
      },
    ];
    const lastGood = { generation: 5, sha: 'A', dependencies: null };
    const member = new ReloadMember({ followsHead: true, generation: 6, lastGood, knownBad }).send(
      head(6, 'B'),
    );
    member.answer({ type: 'content.read', sha: 'B', size: 1, where: 'store', dependencies: null });
    member.proceed('applied.watched', 'A');
    expect(member.context.applied).toMatchObject({ generation: 5, sha: 'A' });
    expect(member.told).toContain('rejected');
  });
});

describe('changing what is followed', () => {
  test('without a store a member may go on with its own changes', () => {
    const member = following(4, 'A').send({ type: 'follow', head: false }).send(changed).pass(300);
    member.proceed('applied.watched', 'B');
    expect(member.context.applied).toMatchObject({ generation: 5, sha: 'B' });
    expect(member.send(head(9, 'C')).state).toBe('applied.watched');
  });

  test('following again means waiting for what the head says, which is news then', () => {
    const member = following(4, 'A')
      .send({ type: 'follow', head: false })
      .send({ type: 'follow', head: true });
    expect(member.send(changed).state).toBe('applied.confirmed');
    member.send(head(4, 'C')).proceed('applied.watched', 'C');
    expect(member.context.applied).toMatchObject({ generation: 4, sha: 'C' });
  });

  test('drops a change of the own file that still waits for quiet', () => {
    const member = new ReloadMember().send(changed).send({ type: 'follow', head: true });
    expect(member.state).toBe('idle');
  });

  test('to what is followed already changes nothing', () => {
    const member = following(4, 'A');
    expect(member.send({ type: 'follow', head: true }).context.desired).not.toBeNull();
  });

  test('ends the retries of what is not wanted any more', () => {
    const member = new ReloadMember()
      .send(changed)
      .pass(300)
      .answer(failed('reading', { transient: true }));
    member.answer({ type: 'handlers.aborted' }).send({ type: 'follow', head: true }).pass(1000);
    expect(member.state).toBe('rejected.retrying');
    expect(member.effects.filter((effect) => effect.type === 'requestRead')).toHaveLength(1);
  });
});
