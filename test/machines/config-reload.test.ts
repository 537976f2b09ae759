/** The ordinary course of a reload: noticing, waiting for quiet, the stages, and where each of them can end. */
import { describe, expect, test } from 'vitest';
import { configReloadChart } from '../../machines/config-reload.machine.ts';
import { configReloadImplementations } from '../../machines/config-reload.rules.ts';
import {
  checkReloadTimings,
  DIAGNOSTICS_MAX,
  KNOWN_BAD_MAX,
  RELOAD_TIMINGS,
  type ReloadStage,
} from '../../machines/index.ts';
import { CHANGED, failed, problem, ReloadMember, TIMINGS } from './config-reload-member.ts';

const STAGES = ['reading', 'parsing', 'checking', 'preparing'] as const;
const changed = { type: 'file.changed' } as const;

describe('the chart and its rules', () => {
  test('the rules give a body to nothing that the chart does not name', () => {
    const { actions, guards, delays } = configReloadChart.implementations;
    const { actions: bodies, ...others } = configReloadImplementations;
    expect(Object.keys(actions)).toEqual(expect.arrayContaining(Object.keys(bodies)));
    expect(Object.keys(guards)).toEqual(expect.arrayContaining(Object.keys(others.guards)));
    expect(Object.keys(delays)).toEqual(expect.arrayContaining(Object.keys(others.delays)));
  });

  test('every action without a rule is an effect on the world', () => {
    const { actions } = configReloadChart.implementations;
    const bodies = new Set(Object.keys(configReloadImplementations.actions));
    expect(Object.keys(actions).filter((name) => !bodies.has(name))).toEqual([
      'requestRead',
      'requestParse',
      'requestCheck',
      'requestPrepare',
      'awaitJournal',
      'requestCommit',
      'requestAbort',
      'requestRollback',
      'watchHealth',
      'markGood',
    ]);
  });
});

describe('the debounce', () => {
  test('a change waits for quiet, then is read', () => {
    const member = new ReloadMember().send(changed);
    expect(member.state).toBe('debouncing');
    expect(member.waits).toEqual([TIMINGS.quietMs]);
    expect(member.pass(TIMINGS.quietMs - 1).state).toBe('debouncing');
    expect(member.pass(1).state).toBe('validating.reading');
    expect(member.last('requestRead')).toEqual({ attempt: 1, sha: null });
    expect(member.emitted).toEqual([{ type: 'reloadStarted', attempt: 1, trigger: 'file' }]);
  });

  test('each further change starts the quiet time again', () => {
    const member = new ReloadMember().send(changed).pass(299).send({ type: 'file.missing' }).pass(299);
    expect(member.send({ type: 'dependencies.changed' }).pass(299).state).toBe('debouncing');
    expect(member.pass(1).state).toBe('validating.reading');
  });

  test('changes that never end are read after the longest wait', () => {
    const member = new ReloadMember().send(changed);
    for (let waited = 200; waited < TIMINGS.maxWaitMs; waited += 200) {
      expect(member.pass(200).send(changed).state).toBe('debouncing');
    }
    expect(member.waits).toEqual([200]);
    expect(member.pass(199).state).toBe('debouncing');
    expect(member.pass(1).state).toBe('validating.reading');
    expect(member.now).toBe(1000 + TIMINGS.maxWaitMs);
  });

  test('a command does not wait, not even for a debounce that has begun', () => {
    const reload = { type: 'reload', force: false, target: null } as const;
    expect(new ReloadMember().send(reload).state).toBe('validating.reading');
    const member = new ReloadMember().send(changed).pass(10).send(reload);
    expect(member.state).toBe('validating.reading');
    expect(member.emitted).toEqual([{ type: 'reloadStarted', attempt: 1, trigger: 'command' }]);
  });

  test('new timings hold from the next wait on', () => {
    const timings = { ...TIMINGS, quietMs: 20 };
    const member = new ReloadMember().send(changed).send({ type: 'configure', timings });
    expect(member.waits).toEqual([TIMINGS.quietMs]);
    expect(member.send(changed).waits).toEqual([20]);
  });
});

describe('the stages', () => {
  test('each is asked for with the same attempt, and only the commit puts it in force', () => {
    const member = new ReloadMember();
    member.send({ type: 'reload', force: false, target: null });
    const states: string[] = [];
    for (const next of ['parsing', 'checking', 'preparing', 'recording']) {
      states.push(member.proceed(`validating.${next}`, 'A', 'env1').state);
      expect(member.context.applied).toBeNull();
    }
    expect(member.proceed('committing', 'A').context.applied).toBeNull();
    member.proceed('applied.watched', 'A');
    expect(member.context.applied).toEqual({
      generation: 1,
      sha: 'A',
      dependencies: 'env1',
      attempt: 1,
      confirmed: false,
      handlers: ['database', 'cache'],
    });
    expect(member.effects).toEqual([
      { type: 'requestRead', params: { attempt: 1, sha: null } },
      ...['requestParse', 'requestCheck', 'requestPrepare', 'awaitJournal'].map((type) => ({
        type,
        params: { attempt: 1, sha: 'A' },
      })),
      { type: 'requestCommit', params: { attempt: 1, sha: 'A', generation: 1 } },
      { type: 'watchHealth', params: { attempt: 1, forMs: TIMINGS.healthMs } },
    ]);
    expect(member.emitted.at(-1)).toEqual({
      type: 'applied',
      attempt: 1,
      trigger: 'command',
      generation: 1,
      sha: 'A',
      changed: CHANGED,
      previous: null,
    });
  });

  test.each(STAGES)(
    'a failure while %s rejects with its diagnostics and leaves what is in force',
    (stage) => {
      const member = new ReloadMember().keeps('A').send(changed).pass(300);
      member.proceed(`validating.${stage}`, 'B').answer(failed(stage));
      expect(member.state).toBe('aborting');
      member.proceed('rejected.held', 'B');
      expect(member.context.applied?.sha).toBe('A');
      expect(member.emitted.at(-1)).toEqual({
        type: 'rejected',
        attempt: 2,
        generation: null,
        sha: stage === 'reading' ? null : 'B',
        stage,
        diagnostics: [problem(stage)],
        omitted: 0,
        transient: false,
        known: false,
      });
      expect(member.waits).toEqual([]);
    },
  );

  test.each([
    ['reading', TIMINGS.readMs, true],
    ['parsing', TIMINGS.parseMs, true],
    ['checking', TIMINGS.checkMs, false],
    ['preparing', TIMINGS.prepareMs, false],
  ] as const)('%s has a deadline of %d ms; what hangs is aborted', (stage, deadlineMs, transient) => {
    const member = new ReloadMember().keeps('A').send(changed).pass(300);
    member.proceed(`validating.${stage}`, 'B');
    expect(member.pass(deadlineMs - 1).state).toBe(`validating.${stage}`);
    expect(member.pass(1).state).toBe('aborting');
    expect(member.last('requestAbort')).toMatchObject({ attempt: 2 });
    member.answer({ type: 'handlers.aborted' });
    expect(member.emitted.at(-1)).toMatchObject({
      type: 'rejected',
      stage,
      transient,
      diagnostics: [{ stage, code: 'CONFIG_TIMEOUT' }],
    });
    expect(member.context.applied?.sha).toBe('A');
  });

  test('an abort that fails or hangs is told of and does not hold up anything', () => {
    const failing = new ReloadMember().send(changed).pass(300).proceed('validating.preparing', 'A');
    failing.answer(failed('preparing')).answer(failed('aborting'));
    expect(failing.state).toBe('rejected.held');
    expect(failing.told).toEqual(['reloadStarted', 'abortFailed', 'rejected']);
    const hanging = new ReloadMember().send(changed).pass(300).proceed('validating.preparing', 'A');
    hanging.answer(failed('preparing')).pass(TIMINGS.abortMs);
    expect(hanging.state).toBe('rejected.held');
    expect(hanging.told).toEqual(['reloadStarted', 'abortFailed', 'rejected']);
  });

  test('bytes equal to those in force are nothing to do', () => {
    const member = new ReloadMember().keeps('A', 'env1').send(changed).pass(300);
    member.proceed('validating.parsing', 'A');
    member.answer({ type: 'content.parsed', dependencies: 'env1' });
    expect(member.state).toBe('applied.confirmed');
    expect(member.emitted.at(-1)).toEqual({ type: 'unchanged', attempt: 2, generation: 1, sha: 'A' });
    const independent = new ReloadMember().keeps('A').send(changed).pass(300);
    independent.answer({ type: 'content.read', sha: 'A', size: 1, where: 'f', dependencies: null });
    expect(independent.state).toBe('applied.confirmed');
    expect(independent.emitted.at(-1)).toMatchObject({ type: 'unchanged', sha: 'A' });
  });

  test('equal bytes that refer to something else now are applied again, as a new generation', () => {
    const member = new ReloadMember().keeps('A', 'env1').send({ type: 'dependencies.changed' }).pass(300);
    member.proceed('applied.watched', 'A', 'env2');
    expect(member.context.applied).toMatchObject({ sha: 'A', dependencies: 'env2', generation: 2 });
  });
});

describe('what fails for want of luck', () => {
  test('is tried again, after doubled waits up to the limit, until it passes', () => {
    const member = new ReloadMember().send(changed).pass(300);
    const waits: number[] = [];
    for (let i = 0; i < 5; i += 1) {
      member.answer(failed('reading', { transient: true })).answer({ type: 'handlers.aborted' });
      expect(member.state).toBe('rejected.retrying');
      waits.push(...member.waits);
      member.pass(TIMINGS.retryMaxMs);
    }
    expect(waits).toEqual([50, 100, 200, 400, 400]);
    member.proceed('applied.watched', 'A');
    expect(member.context.failures).toBe(0);
    expect(member.emitted.at(-1)).toMatchObject({ type: 'applied', trigger: 'retry' });
  });

  test('is not remembered, and a newer change does not wait for the next try', () => {
    const member = new ReloadMember().send(changed).pass(300).proceed('validating.checking', 'A');
    member.answer(failed('checking', { transient: true })).answer({ type: 'handlers.aborted' });
    expect(member.context.knownBad).toEqual([]);
    expect(member.send(changed).state).toBe('debouncing');
  });
});

describe('a missing file', () => {
  test('is waited for: missing never means empty', () => {
    const member = new ReloadMember().keeps('A').send({ type: 'file.missing' }).pass(300);
    member.answer({ type: 'content.missing' });
    expect(member.state).toBe('waitingForFile');
    expect(member.context.applied?.sha).toBe('A');
    expect(member.emitted.at(-1)).toEqual({
      type: 'waitingForFile',
      attempt: 2,
      generation: null,
      sha: null,
      found: null,
    });
    member.send(changed).pass(300).proceed('applied.watched', 'B');
    expect(member.context.applied?.sha).toBe('B');
  });
});

describe('limits', () => {
  test('no more diagnostics are kept than can be read, and the others are counted', () => {
    const member = new ReloadMember().send(changed).pass(300).proceed('validating.checking', 'A');
    const diagnostics = Array.from({ length: DIAGNOSTICS_MAX + 7 }, (_, i) => problem('checking', `${i}`));
    member.answer(failed('checking', { diagnostics })).answer({ type: 'handlers.aborted' });
    expect(member.context.rejection?.diagnostics).toHaveLength(DIAGNOSTICS_MAX);
    expect(member.emitted.at(-1)).toMatchObject({ type: 'rejected', omitted: 7 });
  });

  test('the oldest rejected hash is forgotten first, and that is told', () => {
    const member = new ReloadMember();
    for (let i = 0; i <= KNOWN_BAD_MAX; i += 1) {
      member.send(changed).pass(300).proceed('validating.checking', `bad${i}`);
      member.answer(failed('checking')).answer({ type: 'handlers.aborted' });
    }
    expect(member.context.knownBad).toHaveLength(KNOWN_BAD_MAX);
    expect(member.emitted.filter((event) => event.type === 'forgotten')).toEqual([
      { type: 'forgotten', sha: 'bad0' },
    ]);
  });

  test('a failure without a reason still has a diagnostic', () => {
    const member = new ReloadMember().send(changed).pass(300);
    member.answer(failed('reading', { diagnostics: [] })).answer({ type: 'handlers.aborted' });
    expect(member.context.rejection?.diagnostics).toMatchObject([{ code: 'CONFIG_REJECTED' }]);
  });
});

describe('timings', () => {
  test('the defaults are accepted as they are', () => {
    expect(checkReloadTimings({})).toEqual({ timings: RELOAD_TIMINGS, errors: [] });
    expect(checkReloadTimings({ quietMs: 500 }).timings.quietMs).toBe(500);
  });

  test.each([Number.NaN, Infinity, -1, '5' as never, 2 ** 31])('%s is refused as a wait', (value) => {
    const { errors, timings } = checkReloadTimings({ readMs: value });
    expect(errors.map((error) => error.setting)).toEqual(['readMs']);
    expect(timings).toEqual(RELOAD_TIMINGS);
  });

  test('the longest wait for quiet is not shorter than the quiet time', () => {
    expect(checkReloadTimings({ quietMs: 9000 }).errors.map((error) => error.setting)).toEqual(['maxWaitMs']);
  });
});

const RESTING: readonly [string, (member: ReloadMember) => ReloadMember][] = [
  ['idle', (member) => member],
  ['debouncing', (member) => member.send(changed)],
  ['applied', (member) => member.applies('A')],
  ['rejected', (member) => rejects(member, 'checking')],
  ['waitingForFile', (member) => member.send(changed).pass(300).answer({ type: 'content.missing' })],
];

function rejects(member: ReloadMember, stage: ReloadStage): ReloadMember {
  member.send(changed).pass(300).proceed(`validating.${stage}`, 'B');
  return member.answer(failed(stage)).answer({ type: 'handlers.aborted' });
}

describe('stopping', () => {
  test.each(RESTING)('ends %s at once', (_, reach) => {
    expect(reach(new ReloadMember()).send({ type: 'stop' }).state).toBe('stopped');
  });

  test.each([...STAGES, 'recording'])('ends %s after the abort', (stage) => {
    const member = new ReloadMember().send(changed).pass(300).proceed(`validating.${stage}`, 'A');
    expect(member.send({ type: 'stop' }).state).toBe('aborting');
    expect(member.answer({ type: 'handlers.aborted' }).state).toBe('stopped');
    expect(member.told).not.toContain('applied');
  });

  test('lets a commit that has begun come to its end', () => {
    const member = new ReloadMember().send(changed).pass(300).proceed('committing', 'A');
    expect(member.send({ type: 'stop' }).state).toBe('committing');
    expect(member.answer({ type: 'handlers.committed' }).state).toBe('stopped');
    expect(member.told).toContain('applied');
    const hanging = new ReloadMember().send(changed).pass(300).proceed('committing', 'A');
    hanging.send({ type: 'stop' }).pass(TIMINGS.commitMs + TIMINGS.rollbackMs);
    expect(hanging.state).toBe('stopped');
    expect(hanging.told).toContain('unhealthy');
  });
});
