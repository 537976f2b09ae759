/** Every course the chart can take, exhaustively: the promises hold in each, and none of them gets stuck. */
import { describe, expect, test } from 'vitest';
import { explore, mutated, type Part, SETTINGS } from './config-reload-exploration.ts';

const STATES_MAX = 50_000;

describe('only proved bytes come into force, one attempt at a time, and each comes to rest', () => {
  test.for(Object.values(SETTINGS))('$title', { timeout: 300_000 }, (setting) => {
    const { states, transitions, violation, stuck, reached, closed } = explore(setting, STATES_MAX);
    console.log(`${setting.title}: ${states} states, ${transitions} transitions`);
    expect(violation).toBeNull();
    expect(stuck).toBeNull();
    expect(closed).toBe(true);
    expect(reached).toContain('applied');
  });
});

type State = (path: string) => Part;
const read = (state: State) => state('validating.reading')['on']!['content.read']!;
const parsed = (state: State) => state('validating.parsing')['on']!['content.parsed']!;
const set = (part: Part | undefined, value: object) => Object.assign(part ?? {}, value);
const drop = (part: Part | undefined, name: string) => Reflect.deleteProperty(part ?? {}, name);

/** Bugs that somebody might make, and what gives each away. */
const BUGS: readonly (readonly [bug: string, change: (state: State) => void, sign: RegExp])[] = [
  [
    'an answer to an old attempt commits',
    (s) => drop(s('committing')['on']?.['handlers.committed'], 'guard'),
    /late/,
  ],
  [
    'an answer to an old attempt aborts',
    (s) => drop(s('aborting')['on']?.['handlers.aborted'], 'guard'),
    /late/,
  ],
  [
    'any failure is the present one',
    (s) => set(s('validating')['on']?.['stage.failed'], { guard: () => true }),
    /late/,
  ],
  ['a newer input does not end an attempt', (s) => drop(s('validating'), 'always'), /something newer/],
  ['an abort is not waited for', (s) => set(s('validating')['always'], { target: 'settling' }), / open$/],
  ['nothing is checked', (s) => set(parsed(s)[2], { target: 'preparing' }), /applied on/],
  [
    'nothing is recorded',
    (s) =>
      set(s('validating.preparing')['on']?.['handlers.prepared'], { target: '#configReload.committing' }),
    /applied on/,
  ],
  ['other bytes than asked for do as well', (s) => read(s).splice(0, 1), /other bytes/],
  [
    'rejected bytes are tried again',
    (s) => [read(s).splice(2, 1), parsed(s).splice(1, 1)],
    /known to be bad/,
  ],
  [
    'a failed commit is not undone',
    (s) => set(s('committing')['on']?.['stage.failed'], { target: 'settling' }),
    /not undone/,
  ],
  [
    'a hanging commit counts as done',
    (s) => set(s('committing')['after']?.['commitDeadline'], { target: 'settling' }),
    /not undone/,
  ],
  [
    'a failure goes untold',
    (s) => drop(s('validating')['on']?.['stage.failed'], 'actions'),
    /without a word/,
  ],
  ['a stage may hang for ever', (s) => drop(s('validating.preparing'), 'after'), /^stuck/],
  ['an abort may hang for ever', (s) => drop(s('aborting'), 'after'), /^stuck/],
  ['a rollback may hang for ever', (s) => drop(s('rollingBack'), 'after'), /^stuck/],
  ['an attempt is not concluded', (s) => drop(s('settling'), 'entry'), /at rest with a run/],
];

/** What a bug does not show in, is gone through whole: the small ones first. */
const { crash, stopping, head, environment, changes } = SETTINGS;
const SMALLEST_FIRST = [stopping, crash, head, environment, changes];

test.for(BUGS)('a planted bug is found: %s', { timeout: 300_000 }, ([bug, change, sign]) => {
  const machine = mutated(change);
  for (const setting of SMALLEST_FIRST) {
    const { violation, stuck } = explore(setting, STATES_MAX, machine);
    if (violation === null && stuck === null) continue;
    console.log(`${bug}: ${violation?.join(' → ') ?? `stuck in ${stuck}`}`);
    expect(violation?.at(-1) ?? `stuck in ${stuck}`).toMatch(sign);
    return;
  }
  expect.unreachable('survives');
});
