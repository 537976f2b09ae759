import { createActor } from 'xstate';
import type { Journal } from '../../src/journal/journal.ts';
import { memoryJournal } from '../../src/journal/memory-journal.ts';
import { prometheusMetrics } from '../../src/prometheus.ts';
import { eventSourced } from '../../src/runtime/event-sourced.ts';
import { systemClock } from '../../src/runtime/system-clock.ts';
import { createLeaderElection, memoryLeases } from '../../src/index.ts';
import { compare, printTable, serve, type Work } from './measure.ts';
import { sampleChart, sampleEvents } from './sample-chart.ts';

/** What metrics cost: events recorded in a journal that is measured and in one that is not; and one scrape. */

const sending = (journal: Journal) => (): Work => {
  const machine = eventSourced(sampleChart, { journal });
  const actor = createActor(machine, { clock: systemClock }).start();
  return (rounds) => {
    for (let sent = 0; sent < rounds; sent += sampleEvents.length) {
      for (const event of sampleEvents) actor.send(event);
    }
  };
};

const contestants = {
  'memoryJournal()': sending(memoryJournal()),
  'measureJournal(memoryJournal())': () =>
    sending(prometheusMetrics().metrics.measureJournal(memoryJournal()))(),
};

/** Milliseconds for the text of one election. */
async function scrapeMs(): Promise<number> {
  const scrapes = 2000;
  await using prometheus = prometheusMetrics();
  await using election = createLeaderElection({ resource: 'bench', leases: memoryLeases() });
  prometheus.metrics.observeElection(election);
  await election.start();
  await election.whenLeader();
  for (let n = 0; n < scrapes; n += 1) await prometheus.text();
  const before = process.cpuUsage();
  for (let n = 0; n < scrapes; n += 1) await prometheus.text();
  const { user, system } = process.cpuUsage(before);
  return (user + system) / 1000 / scrapes;
}

if (import.meta.main && !(await serve(contestants))) {
  const rows = await compare(import.meta.filename, contestants, { rounds: 22_000, repetitions: 12 });
  printTable('Recording every event in a journal that is measured', rows, 'events');
  console.log(`one scrape of an election: ${(await scrapeMs()).toFixed(3)} ms of CPU`);
}
