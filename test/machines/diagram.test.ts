/** The pictures of the charts say what the charts say. */
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { and, createMachine, emit, not, or, setup } from 'xstate';
import { arrowLabel, chartOf, stayingLabel } from '../../src/cli/diagram-chart.ts';
import { toConfigJson } from '../../src/cli/diagram-json.ts';
import { toMermaid } from '../../src/cli/diagram-mermaid.ts';
import { SHIPPED_CHARTS } from '../../src/cli/diagram-shipped.ts';
import { layOut } from '../../visualizations/chart-layout.ts';
import { generate } from '../../visualizations/generate.ts';

const pictures = join(import.meta.dirname, '../../visualizations');
const generateTimeoutMs = 120_000;

const shipped = Object.entries(SHIPPED_CHARTS);

const lamp = setup({
  guards: { isDay: () => true, isBroken: () => false },
  delays: { untilDark: 1000 },
  actions: { count: () => {} },
}).createMachine({
  id: 'lamp',
  initial: 'off',
  states: {
    off: { on: { press: { guard: and(['isDay', not('isBroken')]), target: 'on', actions: 'count' } } },
    on: {
      initial: 'bright',
      entry: emit({ type: 'lit' }),
      on: { 'press; #twice': '.dim', peek: { actions: 'count' }, ignore: {} },
      states: { bright: { after: { untilDark: 'dim' } }, dim: {} },
      always: { guard: or(['isBroken', 'isDay']), target: 'broken' },
    },
    broken: { type: 'final' },
  },
});

test(
  'the generated pictures are those of the present charts: run `npm run generate`',
  { timeout: generateTimeoutMs },
  async () => {
    for (const [name, text] of await generate()) {
      expect(readFileSync(join(pictures, name), 'utf8') === text, `${name} is out of date`).toBe(true);
    }
  },
);

describe('a chart, read off its machine', () => {
  const { arrows, root } = chartOf(lamp);
  const labels = arrows.map((arrow) => (arrow.to === null ? stayingLabel(arrow) : arrowLabel(arrow)));

  test('has every transition with its event, guard or wait, in the order of the file', () => {
    expect(labels).toEqual([
      'press [isDay ∧ ¬isBroken]',
      'press; #twice',
      'peek / count',
      'ignore / ignored',
      'always [isBroken ∨ isDay]',
      'after untilDark',
    ]);
  });

  test('shows what is emitted and not what the runtime does for a wait', () => {
    expect(root.children.map(({ entry }) => entry)).toEqual([[], ['emit lit'], []]);
    expect(root.children[1]?.children.map(({ entry, exit }) => [entry, exit])).toEqual([
      [[], []],
      [[], []],
    ]);
  });
});

describe('Mermaid', () => {
  const text = toMermaid(chartOf(lamp), ['header']);

  test('nests states and says how it was made', () => {
    expect(text).toMatch(/^%% header\nstateDiagram-v2\n/);
    expect(text).toContain('state "on" as on {\n    [*] --> on_bright\n');
    expect(text).toContain('broken --> [*]');
  });

  test('has no character in a label that would end it', () => {
    expect(text).toContain('press, ♯twice → dim');
    expect(text).not.toMatch(/;/);
  });

  test.each(shipped)('%s: every state and every transition is in it', (_, { machine }) => {
    const chart = chartOf(machine);
    const drawn = toMermaid(chart, []);
    for (const arrow of chart.arrows)
      expect(drawn).toContain(arrow.to === null ? stayingLabel(arrow) : arrowLabel(arrow));
  });
});

describe('JSON', () => {
  test.each([...shipped, ['lamp', { machine: lamp, source: '' }] as const])(
    '%s: createMachine reads back the same states, transitions, guards and waits',
    (_, { machine }) => {
      const again = createMachine(JSON.parse(toConfigJson(machine, 'how it was made')) as object);
      expect(chartOf(again)).toEqual(chartOf(machine));
    },
  );
});

describe('SVG', () => {
  test.each(shipped)(
    '%s: states lie within their parents and never over each other',
    async (_, { machine }) => {
      const { states, width, height } = await layOut(chartOf(machine), 1);
      for (const { state, box } of states) {
        expect(box.width * box.height, state.path).toBeGreaterThan(0);
        expect(box.x >= 0 && box.y >= 0 && box.x + box.width <= width && box.y + box.height <= height).toBe(
          true,
        );
        const children = states
          .filter((other) => state.children.includes(other.state))
          .map((child) => child.box);
        for (const [index, child] of children.entries()) {
          expect(child.x >= box.x && child.y >= box.y, state.path).toBe(true);
          expect(
            child.x + child.width <= box.x + box.width && child.y + child.height <= box.y + box.height,
          ).toBe(true);
          for (const sibling of children.slice(index + 1))
            expect(overlap(child, sibling), state.path).toBe(false);
        }
      }
    },
  );

  test.each(shipped)('%s: no label covers a state or another label', async (_, { machine }) => {
    const { states, arrows } = await layOut(chartOf(machine), 1);
    const labels = arrows.flatMap(({ labelAt }) => (labelAt === null ? [] : [labelAt]));
    const leaves = states.filter(({ state }) => state.children.length === 0).map(({ box }) => box);
    for (const [index, label] of labels.entries())
      for (const other of [...leaves, ...labels.slice(index + 1)]) expect(overlap(label, other)).toBe(false);
  });
});

interface Box {
  readonly x: number;
  readonly y: number;
  readonly width: number;
  readonly height: number;
}

const overlap = (a: Box, b: Box): boolean =>
  a.x < b.x + b.width && b.x < a.x + a.width && a.y < b.y + b.height && b.y < a.y + a.height;
