import { expect, test } from 'vitest';
import { EVERYTHING, explore } from './config-reload-exploration.ts';

test(
  'everything at once: only proved bytes come into force, one attempt at a time, and each comes to rest',
  { timeout: 1_200_000 },
  () => {
    const { states, transitions, violation, stuck, closed } = explore(EVERYTHING, 400_000);
    console.log(`${states} states, ${transitions} transitions${closed ? '' : ', as far as looked'}`);
    expect(violation).toBeNull();
    if (closed) expect(stuck).toBeNull();
  },
);
