/** The chart as a running actor on a virtual clock, with a driver that answers after a while. */
import { createActor } from 'xstate';
import { expect, test } from 'vitest';
import { type ConfigReloadEmitted, configReloadMachine, RELOAD_TIMINGS } from '../../machines/index.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { CHANGED, INPUT } from './config-reload-member.ts';

const ANSWER_MS = 20;

/** A member whose file holds `content()`, and whose handlers take their time but succeed. */
function live(clock: VirtualClock, content: () => string, hangs: () => boolean = () => false) {
  const at = () => clock.monotonicMs();
  type Event = Parameters<typeof actor.send>[0];
  const later = (event: () => Event) => void clock.setTimeout(() => actor.send(event()), ANSWER_MS);
  type Numbered = { attempt: number };
  const actor = createActor(
    configReloadMachine.provide({
      actions: {
        requestRead: (_, { attempt }: Numbered) =>
          later(() => ({
            type: 'content.read',
            at: at(),
            attempt,
            sha: content(),
            size: 1,
            where: 'f',
            dependencies: null,
          })),
        requestParse: (_, { attempt }: Numbered) =>
          later(() => ({ type: 'content.parsed', at: at(), attempt, dependencies: null })),
        requestCheck: (_, { attempt }: Numbered) =>
          later(() => ({ type: 'content.checked', at: at(), attempt, changed: CHANGED })),
        requestPrepare: (_, { attempt }: Numbered) =>
          hangs() || later(() => ({ type: 'handlers.prepared', at: at(), attempt, handlers: ['cache'] })),
        awaitJournal: (_, { attempt }: Numbered) =>
          later(() => ({ type: 'journal.committed', at: at(), attempt })),
        requestCommit: (_, { attempt }: Numbered) =>
          later(() => ({ type: 'handlers.committed', at: at(), attempt })),
        requestAbort: (_, { attempt }: Numbered) =>
          later(() => ({ type: 'handlers.aborted', at: at(), attempt })),
      },
    }),
    { clock, input: { ...INPUT, timings: RELOAD_TIMINGS } },
  );
  const told: [number, ConfigReloadEmitted['type']][] = [];
  actor.on('*', ({ type }) => told.push([clock.monotonicMs(), type]));
  actor.start();
  return { actor, told, changes: () => actor.send({ type: 'file.changed', at: at() }) };
}

test('a change is in force after the quiet time and the stages, and confirmed after the health watch', () => {
  const clock = new VirtualClock();
  const { actor, told, changes } = live(clock, () => 'A');
  changes();
  clock.runUntil(60_000);
  expect(told).toEqual([
    [300, 'reloadStarted'],
    [420, 'applied'],
    [30_420, 'confirmed'],
  ]);
  actor.stop();
  expect(clock.nextMs).toBeNull();
});

test('the watch of what was replaced ends with it, and that of its successor counts from its own start', () => {
  const clock = new VirtualClock();
  let content = 'A';
  const { actor, told, changes } = live(clock, () => content);
  changes();
  clock.runUntil(20_000);
  content = 'B';
  changes();
  clock.runUntil(60_000);
  expect(told.slice(2)).toEqual([
    [20_300, 'reloadStarted'],
    [20_420, 'applied'],
    [50_420, 'confirmed'],
  ]);
  actor.stop();
});

test('newer input ends a preparation that hangs', () => {
  const clock = new VirtualClock();
  let content = 'bad';
  const { actor, told, changes } = live(
    clock,
    () => content,
    () => content === 'bad',
  );
  changes();
  clock.runUntil(2000);
  expect(actor.getSnapshot().matches({ validating: 'preparing' })).toBe(true);
  content = 'good';
  changes();
  clock.runUntil(3000);
  expect(told.map(([, type]) => type)).toEqual(['reloadStarted', 'superseded', 'reloadStarted', 'applied']);
  expect(actor.getSnapshot().context.applied?.sha).toBe('good');
  actor.stop();
});
