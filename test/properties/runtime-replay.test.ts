import { fc, test } from '@fast-check/vitest';
import { afterAll, describe, expect } from 'vitest';
import {
  createActor,
  type Actor,
  type AnyMachineSnapshot,
  type AnyStateMachine,
  type EventObject,
} from 'xstate';
import { digestOfState } from '../../src/journal/comparison.ts';
import { formatDivergence, type Divergence } from '../../src/journal/divergence.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { memoryJournal, type MemoryJournal } from '../../src/journal/memory-journal.ts';
import { replayAll } from '../../src/journal/replay.ts';
import { memorySnapshotCache, takeSnapshot } from '../../src/journal/snapshot-cache.ts';
import { verify } from '../../src/journal/verify.ts';
import { eventSourced, writerOf } from '../../src/runtime/event-sourced.ts';
import { recover } from '../../src/runtime/recovery.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { happen, happenings, jobEvents, noteKinds, orderEvents } from './runtime-happenings.ts';
import { all, jobChart, orderChart } from '../machines/runtime-charts.ts';

interface Subject {
  readonly name: string;
  readonly chart: AnyStateMachine;
  readonly events: fc.Arbitrary<EventObject>;
  readonly input: unknown;
  /** What must have happened at least once in a campaign, or it proves nothing. */
  readonly sometimes: readonly string[];
}

const subjects: readonly Subject[] = [
  {
    name: 'order',
    chart: orderChart,
    events: orderEvents,
    input: { limit: 4 },
    sometimes: [
      'done xstate.done.actor.charge',
      'error xstate.error.actor.charge',
      'done xstate.done.actor.helper-0',
      'timer xstate.after.patience.order.sale.open.waiting',
      'timer xstate.after.holding.order.sale.held',
      'timer reminded',
      'event child.told',
      'event again',
      'event dismiss',
      'effect xstate.spawn',
      'effect xstate.spawnChild',
      'effect xstate.stopChild',
      'effect xstate.sendTo',
      'effect xstate.emit',
      'effect xstate.cancel',
    ],
  },
  {
    name: 'job',
    chart: jobChart,
    events: jobEvents,
    input: undefined,
    sometimes: [
      'timer xstate.after.rest.job.running.resting',
      'timer tick',
      'event unpause',
      'event quit',
      'effect report',
    ],
  },
];

for (const { name, chart, events, input, sometimes } of subjects) {
  const steps = happenings(events);
  const seen = new Set<string>();
  const fresh = (journal: MemoryJournal, clock: VirtualClock) =>
    started(
      createActor(eventSourced(chart, { journal, stream: 's', check: true }), { clock, input } as never),
    );

  describe(`the ${name} chart`, () => {
    afterAll(() => {
      expect(sometimes.filter((what) => !seen.has(what))).toEqual([]);
    });

    test.prop([steps], { numRuns: 60 })(
      'replay comes to the same state, effects and digest at every record',
      async (sequence) => {
        const journal = memoryJournal();
        const clock = new VirtualClock();
        const actor = fresh(journal, clock);
        for (const step of sequence) await happen(actor, clock, step);
        const live = digestOfState(actor.getSnapshot() as never);
        const records = await all(journal.export());
        actor.stop();
        for (const record of records) noteKinds(seen, record);
        const { divergence, snapshot, matched } = replayAll(throughJson(records), chart);
        expect(told(divergence)).toBe('');
        expect(matched).toBe(records.length);
        expect(digestOfState(snapshot as AnyMachineSnapshot)).toBe(live);
        expect((await verify(throughJson(records))).findings).toEqual([]);
      },
    );

    test.prop([steps, fc.nat(), fc.integer({ min: 1, max: 30 })], { numRuns: 40 })(
      'a journal that lost its beginning replays from the cut to the same end',
      async (sequence, at, limit) => {
        const whole = memoryJournal();
        const bounded = memoryJournal({ limit });
        const clocks = [new VirtualClock(), new VirtualClock()] as const;
        const actors = [fresh(whole, clocks[0]), fresh(bounded, clocks[1])] as const;
        for (const step of sequence) {
          await happen(actors[0], clocks[0], step);
          await happen(actors[1], clocks[1], step);
        }
        for (const actor of actors) actor.stop();
        const records = await all(whole.export());
        await whole.trim('s', (at % (records.length + 1)) + 1);
        const end = digestOfState(replayAll(records, chart).snapshot as AnyMachineSnapshot);
        for (const journal of [whole, bounded]) {
          const rest = await all(journal.export());
          const { divergence, snapshot } = replayAll(throughJson(rest), chart);
          expect(told(divergence)).toBe('');
          expect(digestOfState(snapshot as AnyMachineSnapshot)).toBe(end);
          expect((await verify(throughJson(rest))).findings).toEqual([]);
        }
      },
    );

    test.prop([steps, steps, fc.boolean(), fc.integer({ min: 0, max: 9_000 })], { numRuns: 50 })(
      'an actor recovered after a crash has the state it had, and one journal tells both lives',
      async (before, after, withSnapshot, downMs) => {
        const journal = memoryJournal();
        const cache = memorySnapshotCache();
        const clock = new VirtualClock();
        const first = fresh(journal, clock);
        for (const [at, step] of before.entries()) {
          if (withSnapshot && at === before.length >> 1) await takeSnapshot(journal, 's', chart, cache);
          await happen(first, clock, step);
        }
        const live = first.getSnapshot() as AnyMachineSnapshot;
        const records = await all(journal.export());
        // A crash: the stream is free, and nothing was stopped.
        await writerOf(first).close();
        const now = { monotonicMs: clock.monotonicMs() + downMs, wallMs: clock.wallMs() + downMs };
        const later = new VirtualClock(now);
        const { logic, options, seq, ended } = await recover(chart, {
          journal,
          stream: 's',
          clock: later,
          cache,
        });
        const again = started(createActor(logic, { ...options, clock: later } as never));
        expect(seq).toBe(records.length);
        expect(ended ?? 'active').toBe(
          live.status === 'done' || live.status === 'error' ? live.status : 'active',
        );
        expect(digestOfState(again.getSnapshot() as never)).toBe(digestOfState(live));
        for (const step of after) await happen(again, later, step);
        const both = await all(journal.export());
        const end = digestOfState(again.getSnapshot() as never);
        for (const actor of [first, again]) actor.stop();
        const { divergence, snapshot } = replayAll(throughJson(both), chart);
        expect(told(divergence)).toBe('');
        expect(digestOfState(snapshot as AnyMachineSnapshot)).toBe(end);
        expect((await verify(throughJson(both))).findings).toEqual([]);
      },
    );
  });
}

function started<T extends Actor<AnyStateMachine>>(actor: T): T {
  actor.subscribe({ error: () => {} });
  return actor.start();
}

/** As after a journey through a file. */
function throughJson(records: readonly JournalRecord[]): JournalRecord[] {
  return JSON.parse(JSON.stringify(records)) as JournalRecord[];
}

const told = (divergence: Divergence | null): string =>
  divergence === null ? '' : formatDivergence(divergence);
