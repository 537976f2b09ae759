import { createActor, type AnyMachineSnapshot, type EventObject } from 'xstate';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { replayAll } from '../../src/journal/replay.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { InertScope } from '../../src/runtime/xstate-internals.ts';
import { compare, printTable, serve, type Comparison, type Work } from './measure.ts';
import { sampleChart, sampleEvents } from './sample-chart.ts';

/** What replaying costs beside the bare fold of `machine.transition` over the same events in one inert scope. */

const RECORDS = 5_500;

async function recorded(): Promise<JournalRecord[]> {
  const journal = memoryJournal({ limit: RECORDS + 1 });
  const actor = createActor(eventSourced(sampleChart, { journal })).start();
  for (let sent = 0; sent < RECORDS; sent += sampleEvents.length)
    for (const event of sampleEvents) actor.send(event);
  const records: JournalRecord[] = [];
  for await (const record of journal.export()) records.push(record);
  // As they come out of a file.
  return JSON.parse(JSON.stringify(records)) as JournalRecord[];
}

function repeat(once: () => void): Work {
  return (rounds) => {
    for (let done = 0; done < rounds; done += RECORDS) once();
  };
}

const contestants = {
  'machine.transition in one inert scope': async () => {
    const events: EventObject[] = [];
    for (const { event } of (await recorded()).slice(1))
      events.push(Object.assign({ type: event.type }, event.data));
    return repeat(() => {
      const inert = new InertScope({ actor: 'sample', parent: null, stream: 'sample' });
      let snapshot = sampleChart.getInitialSnapshot(inert.scope as never, undefined) as AnyMachineSnapshot;
      for (const event of events)
        snapshot = sampleChart.transition(snapshot as never, event as never, inert.scope as never);
    });
  },
  'replay, comparing states and effects': async () => {
    const records = await recorded();
    return repeat(() => agreed(replayAll(records, sampleChart, { digests: false }).matched));
  },
  'replay, comparing digests, too': async () => {
    const records = await recorded();
    return repeat(() => agreed(replayAll(records, sampleChart).matched));
  },
};

function agreed(matched: number): void {
  if (matched !== RECORDS + 1) throw new Error(`Only ${matched} of ${RECORDS + 1} records agree.`);
}

export async function measureReplay(repetitions: number): Promise<readonly Comparison[]> {
  const rows = await compare(import.meta.filename, contestants, { rounds: RECORDS, repetitions });
  printTable('Replaying (goals × 0.90 and × 0.50)', rows, 'records');
  return rows;
}

if (import.meta.main && !(await serve(contestants))) await measureReplay(12);
