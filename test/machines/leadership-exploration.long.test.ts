import { expect, test } from 'vitest';
import { explore } from './leadership-exploration.ts';

/** Two faults do not close within what a test may take; this is how far it goes, breadth first. */
const STATES_MAX = 600_000;

test(`two members, two things going wrong: in none of the first ${STATES_MAX} states do both believe`, () => {
  const setting = { title: '', faults: 2, freshStore: 'trust', dataLoss: false } as const;
  const { states, transitions, violation } = explore(setting, STATES_MAX);
  console.log(`${states} states, ${transitions} transitions`);
  expect(violation).toBeNull();
});

test(`three members, one thing going wrong: in none of the first ${STATES_MAX} states do two believe`, () => {
  const setting = { title: '', members: 3, faults: 1, freshStore: 'trust', dataLoss: false } as const;
  const { states, transitions, violation } = explore(setting, STATES_MAX);
  console.log(`${states} states, ${transitions} transitions`);
  expect(violation).toBeNull();
});
