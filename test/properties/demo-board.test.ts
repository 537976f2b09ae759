/** The demo's board in terminals of any size: a line too wide or one too many pushes the board up at each repainting. */
import { stripVTControlCharacters } from 'node:util';
import { fc, test } from '@fast-check/vitest';
import { expect } from 'vitest';
import { type BoardContent, layOut } from '../../src/cli/demo/board-layout.ts';

const BAR = '833ms ██████████';
const content: BoardContent = {
  title: [
    'conclave demo: 3 members, lease 2s, in /tmp/conclave-demo-FqXGzS',
    'Look at http://127.0.0.1:42029',
  ],
  heading: ['member', 'pid', 'state', 'term', 'token', 'lease left'],
  rows: [
    { cells: ['member-1', '4194304', 'follower.watching', '', '', 'follows member-2'], leads: false },
    { cells: ['member-2', '4194303', 'leader.renewing', '12', '1796000502507', BAR], leads: true },
  ],
  dispensable: [1, 4, 3],
  story: Array.from(
    { length: 100 },
    (_, n) =>
      `${`+${n}.910s`.padStart(10)}  member-3 leads: term ${n}, token 1796000502507, and so on and on`,
  ),
  footer: 'To the leader: k kill -9   f freeze   s stop (SIGTERM)      q quit',
};
const shown = (columns: number, rows: number) =>
  layOut(content, { columns, rows }).map((line) => stripVTControlCharacters(line));

test.prop([fc.integer({ min: 1, max: 200 }), fc.integer({ min: 1, max: 60 })])(
  'the board is never wider nor higher than the terminal',
  (columns, rows) => {
    const lines = shown(columns, rows);
    expect(lines.length).toBeLessThanOrEqual(rows);
    expect(lines.filter((line) => line.length > columns)).toEqual([]);
  },
);

test('eighty columns show all of a leader, and the end of the story', () => {
  const text = shown(80, 24).join('\n');
  expect(text).toMatch(/4194303 .* leader\.renewing .* 1796000502507 +833ms █{10}$/m);
  expect(text).toContain('member-3 leads: term 99,');
});

test('forty columns show who leads, what is left of its lease, the story whole, and every key', () => {
  const text = shown(40, 24).join('\n');
  expect(text).toMatch(/member-2 .* leader\.renewing +833ms █/);
  expect(text).toMatch(/\+99\.910s {2}member-3 leads: term 99,\n {12}token 1796000502507,/);
  for (const key of ['k kill -9', 'f freeze', 's stop (SIGTERM)', 'q quit']) expect(text).toContain(key);
});
