import { expect, test } from 'vitest';
import { explore } from './leadership-exploration.ts';

test(
  'two members: in no reachable state do both believe, whatever two things go wrong',
  { timeout: 1_200_000 },
  () => {
    const setting = { title: '', faults: 2, freshStore: 'trust', dataLoss: false } as const;
    const { states, transitions, violation } = explore(setting, 2_000_000);
    console.log(`${states} states, ${transitions} transitions`);
    expect(violation).toBeNull();
  },
);
