/** What is said on a lease's channel, by whomever: a hint if it can be one, else nothing, and in no time. */
import { expect, test } from 'vitest';
import {
  HEARD_LEASE_MAX_MS,
  HINT_MAX_LENGTH,
  signalOf,
  TOKEN_MAX_DIGITS,
} from '../../src/lease/redis-lease-signals.ts';

test.each([
  [
    'acquired 7 0 3000 web-1',
    { kind: 'acquired', token: 7n, beat: 0, leaseMs: 3000, holder: 'web-1', ageMs: 0 },
  ],
  ['renewed 7 12 1500.5 a b', { kind: 'renewed', token: 7n, beat: 12, leaseMs: 1500.5, holder: 'a b' }],
  ['released 7', { kind: 'released', token: 7n }],
  [`released ${'9'.repeat(TOKEN_MAX_DIGITS)}`, { kind: 'released' }],
  [`renewed 7 1 ${HEARD_LEASE_MAX_MS} a`, { kind: 'renewed', leaseMs: HEARD_LEASE_MAX_MS }],
])('%s is a hint', (message, signal) => {
  expect(signalOf('r', message)).toMatchObject({ resource: 'r', ...signal });
});

test.each([
  ['a lease without end', 'renewed 7 1 Infinity a'],
  ['a lease that is no number', 'renewed 7 1 x a'],
  ['no lease', 'renewed 7 1 0 a'],
  ['a negative lease', 'renewed 7 1 -5 a'],
  ['a lease above the limit', `renewed 7 1 ${HEARD_LEASE_MAX_MS + 1} a`],
  ['a beat that is no number', 'renewed 7 x 3000 a'],
  ['a negative beat', 'renewed 7 -1 3000 a'],
  ['a broken beat', 'renewed 7 1.5 3000 a'],
  ['no beat', 'renewed 7  3000 a'],
  ['a beat that cannot be counted', 'renewed 7 9007199254740993 3000 a'],
  ['no holder', 'renewed 7 1 3000'],
  ['a token of too many digits', `released ${'9'.repeat(TOKEN_MAX_DIGITS + 1)}`],
  ['a token that is no number', 'released 0x7'],
  ['too long a message', `renewed 7 1 3000 ${'a'.repeat(HINT_MAX_LENGTH)}`],
  ['a million digits', `released ${'9'.repeat(1e6)}`],
  ['something else', 'hello'],
])('%s is none', (_, message) => {
  expect(signalOf('r', message)).toBeNull();
});
