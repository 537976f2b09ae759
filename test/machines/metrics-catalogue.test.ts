/** What the catalogue of metrics claims to know of the charts and the ports. */
import type { AnyStateNode } from 'xstate';
import { expect, test } from 'vitest';
import { leadershipMachine } from '../../machines/index.ts';
import { ALL_METRICS, METRICS } from '../../src/observability/index.ts';
import { TRANSITIONS } from '../../src/observability/metric-catalogue.ts';

const below = (node: AnyStateNode): AnyStateNode[] => [node, ...Object.values(node.states).flatMap(below)];

/** Name of the outermost state that a state is in. */
const roleOf = ({ path }: AnyStateNode): string => path[0] ?? '';

test('the steps between roles are those of the chart', () => {
  const steps = below(leadershipMachine.root).flatMap((node) =>
    [...node.transitions.values(), node.always ?? []]
      .flat()
      .flatMap(({ target = [] }) => target.map((to) => `${roleOf(node)} → ${roleOf(to)}`)),
  );
  const outward = steps.filter((step) => {
    const [from, to] = step.split(' → ');
    return from !== to;
  });
  expect(new Set(outward)).toEqual(new Set(TRANSITIONS.map((step) => step.join(' → '))));
});

test('names are unique, units end them, and what is counted in time says so', () => {
  const names = ALL_METRICS.map(({ name }) => name);
  expect(new Set(names).size).toBe(names.length);
  for (const { name, unit, kind, buckets } of ALL_METRICS) {
    expect(name.endsWith('_seconds'), name).toBe(unit === 's');
    expect(name, name).not.toMatch(/_total$/);
    expect(buckets !== undefined, name).toBe(kind === 'histogram');
    expect(buckets ?? [], name).toEqual((buckets ?? []).toSorted((a, b) => a - b));
  }
});

test('calls of the store fall into buckets from a millisecond to five seconds', () => {
  const { buckets } = METRICS.election.storeDuration;
  expect([buckets[0], buckets.at(-1)]).toEqual([0.001, 5]);
});
