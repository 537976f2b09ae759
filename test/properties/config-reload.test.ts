import { fc, test } from '@fast-check/vitest';
import { describe, expect } from 'vitest';
import {
  CHANGED_KEYS_MAX,
  type ConfigReloadEvent,
  type ConfigReloadInput,
  DIAGNOSTICS_MAX,
  KNOWN_BAD_MAX,
  type ReloadTimings,
} from '../../machines/index.ts';
import { failed, INPUT, problem, ReloadMember, TIMINGS } from '../machines/config-reload-member.ts';
import {
  heedsLate,
  nexts,
  type Possibilities,
  start,
  step,
  type World,
} from '../machines/config-reload-model.ts';

/** Random courses of one member's reloading: longer and wilder than the exhaustive ones, with real waits. */

const at = fc.integer({ min: 0, max: 1_000_000 });
const sha = fc.constantFrom('A', 'B', 'C');
const target = fc.option(fc.record({ generation: fc.option(fc.nat(9)), sha: fc.option(sha) }));
const error = fc.constant({ code: 'X', message: 'x' });
const stage = fc.constantFrom(
  'reading',
  'parsing',
  'checking',
  'preparing',
  'committing',
  'aborting',
  'rollingBack',
);

const input: fc.Arbitrary<ConfigReloadEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom('file.changed', 'file.missing', 'dependencies.changed', 'rollback'),
    at,
  }),
  fc.record({ type: fc.constant('reload'), at, force: fc.boolean(), target }),
  fc.record({ type: fc.constant('head.changed'), at, term: fc.nat(3), generation: fc.nat(3), sha }),
  fc.record({ type: fc.constant('follow'), at, head: fc.boolean() }),
);

/** Replies of any kind to any attempt, at any time. */
const stray: fc.Arbitrary<ConfigReloadEvent> = fc.oneof(
  fc.record({
    type: fc.constantFrom('content.missing', 'handlers.committed', 'handlers.aborted', 'handlers.rolledBack'),
    at,
    attempt: fc.nat(20),
  }),
  fc
    .record({ at, attempt: fc.nat(20), stage })
    .map(({ stage: of, ...rest }) => Object.assign(failed(of), rest)),
  fc.record({ type: fc.constantFrom('health.failed', 'journal.failed'), at, attempt: fc.nat(20), error }),
);

const given: fc.Arbitrary<ConfigReloadInput> = fc.record({
  timings: fc.constantFrom(TIMINGS, { ...TIMINGS, healthMs: 0 }),
  onJournalFailure: fc.constantFrom('continue', 'stop'),
  followsHead: fc.boolean(),
  generation: fc.nat(9),
  lastGood: fc.option(fc.record({ generation: fc.nat(9), sha, dependencies: fc.option(fc.constant('one')) })),
  knownBad: fc.array(
    fc.record({
      sha,
      dependencies: fc.option(fc.constant('one')),
      stage: fc.constant('watching' as const),
      problem: fc.constant(problem('watching')),
    }),
    { maxLength: 2 },
  ),
});

/** Mostly what the driver may answer, sometimes an input: so that a walk gets somewhere. */
const choice = fc.record({ pick: fc.nat(1000), event: input, interrupts: fc.integer({ min: 0, max: 9 }) });
const walk = fc.array(choice, { minLength: 1, maxLength: 150 });
const can: Possibilities = { shas: ['A', 'B', 'C'], dependencies: [null, 'one', 'two'], inputs: [] };

function* course(
  setup: ConfigReloadInput,
  choices: readonly { pick: number; event: ConfigReloadEvent; interrupts: number }[],
) {
  let world: World = start(plain(setup));
  for (const { pick, event, interrupts } of choices) {
    const possible = [...nexts(world, can)].map(([, next]) => next);
    const next = interrupts < 2 || possible.length === 0 ? plain(event) : possible[pick % possible.length]!;
    const outcome = step(world, next);
    world = outcome.world;
    yield { ...outcome, event: next };
  }
}

/** Arbitraries make objects without a prototype, which JSON does not. */
const plain = <T>(value: T): T => JSON.parse(JSON.stringify(value)) as T;

describe('whatever happens in whatever order', () => {
  test.prop([given, walk], { numRuns: 300 })(
    'only proved bytes come into force, one attempt at a time, and rejections change nothing',
    (setup, choices) => {
      for (const { world, broken } of course(setup, choices)) {
        expect(broken).toBeNull();
        expect(heedsLate(world)).toBeNull();
      }
    },
  );

  test.prop([given, walk])('the context is the same after a journey through JSON', (setup, choices) => {
    for (const { world } of course(setup, choices)) {
      const { context } = world.snapshot;
      expect(JSON.parse(JSON.stringify(context))).toStrictEqual(context);
    }
  });

  test.prop([given, walk])('the same events lead to the same state twice', (setup, choices) => {
    const twice = [1, 2].map(() => [...course(setup, choices)].map(({ world }) => world.snapshot));
    expect(JSON.stringify(twice[0])).toBe(JSON.stringify(twice[1]));
  });

  test.prop([given, walk])('a generation of its own never means two contents', (setup, choices) => {
    const contents = new Map<number, string>();
    for (const { world } of course({ ...setup, followsHead: false, lastGood: null }, choices)) {
      const { applied, followsHead, run } = world.snapshot.context;
      // A target or a head names the number itself.
      if (followsHead || (run !== null && run.target.generation !== null)) return;
      if (applied === null) continue;
      const content = `${applied.sha} ${applied.dependencies}`;
      expect(contents.get(applied.generation) ?? content).toBe(content);
      contents.set(applied.generation, content);
    }
  });
});

describe('with nobody to answer', () => {
  const resting = /^(idle|applied|rejected|waitingForFile|unhealthy|stopped)/;
  const longestMs = (Object.values(TIMINGS) as number[]).reduce((total, ms) => total + ms, 0);
  /** How long the member takes to rest, from deadline to deadline. */
  const untilRestMs = (member: ReloadMember): number => {
    const began = member.now;
    while (!resting.test(member.state) && member.now - began <= longestMs)
      member.pass(Math.min(...member.waits));
    return member.now - began;
  };

  test.prop([given, fc.array(fc.tuple(fc.oneof(input, stray), fc.nat(3000)), { maxLength: 40 })])(
    'a member rests within the sum of its deadlines, and stops within it',
    (setup, events) => {
      const member = new ReloadMember(setup);
      for (const [event, pauseMs] of events) member.send(event).pass(pauseMs);
      expect(untilRestMs(member)).toBeLessThanOrEqual(longestMs);
      for (const [event] of events) member.send(event);
      member.send({ type: 'stop' });
      expect(untilRestMs(member)).toBeLessThanOrEqual(longestMs);
      expect(member.state).toBe('stopped');
    },
  );
});

describe('the debounce', () => {
  const gaps = fc.array(fc.integer({ min: 0, max: 500 }), { minLength: 1, maxLength: 30 });

  test.prop([gaps])('ends after the quiet time, or the longest wait, whichever is earlier', (pauses) => {
    const member = new ReloadMember().send({ type: 'file.changed' });
    const first = member.now;
    let last = first;
    for (const pause of pauses) {
      const dueAt = Math.min(last + TIMINGS.quietMs, first + TIMINGS.maxWaitMs);
      member.pass(pause);
      expect(member.state).toBe(member.now >= dueAt ? 'validating.reading' : 'debouncing');
      if (member.now >= dueAt) return;
      member.send({ type: 'file.changed' });
      last = member.now;
    }
  });

  test.prop([fc.array(fc.tuple(at, at), { maxLength: 20 }), fc.nat(1000), fc.nat(5000)])(
    'never waits for a time that is not finite, negative or too long, even if clocks disagree',
    (times, quietMs, maxWaitMs) => {
      const timings: ReloadTimings = { ...TIMINGS, quietMs, maxWaitMs };
      const member = new ReloadMember({ timings });
      for (const [now, pause] of times) {
        member.now = now;
        member.send({ type: 'file.changed' });
        for (const wait of member.waits) expect(wait).toBeLessThanOrEqual(quietMs);
        member.now += pause;
      }
    },
  );
});

describe('limits', () => {
  const many = fc.integer({ min: 0, max: 3 * DIAGNOSTICS_MAX });

  test.prop([fc.array(fc.tuple(many, many), { minLength: 1, maxLength: 80 })], { numRuns: 20 })(
    'nothing grows without end: diagnostics, changed keys and remembered hashes are capped',
    (counts) => {
      const member = new ReloadMember({ ...INPUT });
      for (const [i, [diagnostics, keys]] of counts.entries()) {
        member.send({ type: 'reload', force: false, target: null }).proceed('validating.checking', `sha${i}`);
        const live = Array.from({ length: keys }, (_, key) => `key${key}`);
        member.answer({
          type: 'content.checked',
          changed: { live, restart: live, immutable: [], omitted: 0 },
        });
        const { changed } = member.context.run!;
        expect(changed!.live.length).toBeLessThanOrEqual(CHANGED_KEYS_MAX);
        expect(changed!.live.length + changed!.restart.length + changed!.omitted).toBe(2 * keys);
        const found = Array.from({ length: diagnostics }, () => problem('preparing'));
        member.answer(failed('preparing', { diagnostics: found })).answer({ type: 'handlers.aborted' });
        const { rejection, knownBad } = member.context;
        expect(rejection!.diagnostics.length).toBeLessThanOrEqual(DIAGNOSTICS_MAX);
        expect(knownBad.length).toBeLessThanOrEqual(KNOWN_BAD_MAX);
      }
    },
  );
});
