import { createActor } from 'xstate';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { sampleChart, sampleEvents } from './sample-chart.ts';

/** What an actor holds, beside a plain one: 10 000 of each, started, after one event and after ten. */

const ACTORS = 10_000;

/** Bytes for each actor, when `make` has made all of them. */
function bytesFor(make: (n: number) => unknown): number {
  const before = heapUsed();
  const actors = Array.from({ length: ACTORS }, (_, n) => make(n));
  const bytes = (heapUsed() - before) / ACTORS;
  // Held until here.
  return actors.length === ACTORS ? Math.round(bytes) : Number.NaN;
}

/** After everything that can go has gone; what weak maps held takes more than one turn. */
function heapUsed(): number {
  const { gc } = globalThis;
  if (gc === undefined) throw new Error('Run with node --expose-gc.');
  for (let turn = 0; turn < 4; turn += 1) gc();
  return process.memoryUsage().heapUsed;
}

export function measureMemory(): void {
  console.log(`\nMemory of an actor, of ${ACTORS} each`);
  for (const events of [0, 1, 10]) {
    const run = (machine: typeof sampleChart, input?: number) => {
      const actor = createActor(machine, { clock: systemClock, input }).start();
      for (const event of sampleEvents.slice(0, events)) actor.send(event);
      return actor;
    };
    const logic = eventSourced(sampleChart, {
      journal: memoryJournal(),
      stream: ({ input }) => `actor/${String(input)}`,
    });
    const plain = bytesFor((n) => run(sampleChart, n));
    const recorded = bytesFor((n) => run(logic, n));
    const ratio = (recorded / plain).toFixed(2);
    console.log(
      `  after ${String(events).padStart(2)} events   plain ${plain} B   event-sourced ${recorded} B   × ${ratio}`,
    );
  }
}

if (import.meta.main) measureMemory();
