import { createActor } from 'xstate';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { compare, printTable, serve, type Comparison, type Work } from './measure.ts';
import { sampleChart, sampleEvents } from './sample-chart.ts';

/** What recording costs: the same chart, the same events, sent to a plain actor and to an event-sourced one. */

const sending = (machine: typeof sampleChart) => (): Work => {
  const actor = createActor(machine, { clock: systemClock }).start();
  return (rounds) => {
    for (let sent = 0; sent < rounds; sent += sampleEvents.length) {
      for (const event of sampleEvents) actor.send(event);
    }
  };
};

const contestants = {
  'createActor(machine).send': sending(sampleChart),
  'createActor(eventSourced(machine)).send': sending(eventSourced(sampleChart, { journal: memoryJournal() })),
};

export async function measureOverhead(repetitions: number): Promise<readonly Comparison[]> {
  const rows = await compare(import.meta.filename, contestants, { rounds: 22_000, repetitions });
  printTable('Recording every event in memory (goal × 0.90)', rows, 'events');
  return rows;
}

if (import.meta.main && !(await serve(contestants))) await measureOverhead(12);
