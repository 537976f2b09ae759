import { describe, expect, test } from 'vitest';
import { explore, type Setting } from './leadership-exploration.ts';

const STATES_MAX = 300_000;

describe('two and three members, the real chart and the real protocol: in no reachable state do two believe', () => {
  test.for<Setting>([
    { title: 'nothing goes wrong', faults: 0, freshStore: 'trust', dataLoss: false },
    { title: 'one thing goes wrong', faults: 1, freshStore: 'trust', dataLoss: false },
    { title: 'one thing goes wrong, lost data included', faults: 1, freshStore: 'wait', dataLoss: true },
    {
      title: 'three members, nothing goes wrong',
      members: 3,
      faults: 0,
      freshStore: 'trust',
      dataLoss: false,
    },
  ])('$title', { timeout: 300_000 }, (setting) => {
    const { states, transitions, violation, ledBy, closed } = explore(setting, STATES_MAX);
    console.log(`${setting.title}: ${states} states, ${transitions} transitions`);
    expect(violation).toBeNull();
    expect([...ledBy].toSorted()).toEqual(['a', 'b', 'c'].slice(0, setting.members ?? 2));
    expect(closed).toBe(true);
  });

  test.for<Setting['bug'] & string>(['belief counts from the answer', 'a flag instead of the clock'])(
    'a planted bug is found: %s',
    { timeout: 300_000 },
    (bug) => {
      const setting = { title: bug, faults: 1, freshStore: 'trust', dataLoss: false, bug } as const;
      const { violation } = explore(setting, STATES_MAX);
      console.log(`${bug}: ${violation?.join(' → ')}`);
      expect(violation).not.toBeNull();
    },
  );
});
