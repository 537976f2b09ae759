/**
 * An election inside an existing XState application: the application's machine listens to it as to any other actor,
 * works while this member leads, and is recorded in the same journal, so that one file tells what both decided.
 *
 *     node --conditions=conclave-source examples/xstate-app.ts
 */
import { setTimeout } from 'node:timers/promises';
import { createLeaderElection, type ElectionEvent, memoryJournal, memoryLeases } from 'conclave';
import { replay } from 'conclave/journal';
import { eventSourced } from 'conclave/runtime';
import { createActor, fromEventObservable, fromPromise, setup, waitFor } from 'xstate';

const journal = memoryJournal();
await using leases = memoryLeases(); // over several hosts: redisLeases('redis://…')
await using election = createLeaderElection({
  resource: 'invoices',
  candidateId: 'web-1',
  leases,
  journal,
});

/** The application's chart: it knows the events of an election, and nothing of leases. */
const invoicing = setup({
  types: { events: {} as ElectionEvent },
  actors: {
    // Named here and given below, so that the chart opens in Stately and its journal holds no connection.
    election: fromEventObservable<ElectionEvent, undefined>(() => election.events$),
    sending: fromPromise<string>(({ signal }) => sendInvoices(signal)),
  },
}).createMachine({
  id: 'invoicing',
  invoke: { src: 'election' },
  initial: 'standby',
  states: {
    standby: { on: { becameLeader: 'sending' } },
    sending: {
      invoke: { src: 'sending', onDone: 'sent', onError: 'failed' },
      on: { lostLeadership: 'standby' },
    },
    sent: { on: { lostLeadership: 'standby' } },
    failed: { on: { lostLeadership: 'standby' } },
  },
});

async function sendInvoices(stopped: AbortSignal): Promise<string> {
  const { term } = election;
  if (term === null) throw new Error('Asked to send while another member leads.');
  // XState aborts `stopped` when the state is left; the term's own signal comes first.
  await setTimeout(10, undefined, { signal: AbortSignal.any([stopped, term.signal]) });
  return `sent with token ${term.token}`;
}

const app = createActor(eventSourced(invoicing, { journal, stream: 'app/invoicing' }));
app.start(); // before the election, whose events are told as they happen
await election.start();

await waitFor(app, (snapshot) => snapshot.matches('sent'));
// The election's chart can be looked at like any other.
console.log('the election:', election.actor.getSnapshot().matches('leader') ? 'leader' : 'other');
console.log('the application:', app.getSnapshot().value);

await election.resign();
await waitFor(app, (snapshot) => snapshot.matches('standby'));
console.log('after resigning:', app.getSnapshot().value);
app.stop();
await election.stop();

const { divergence } = await replay(journal.read('app/invoicing'), invoicing);
console.log('replays as recorded:', divergence === null);
for await (const { from, to, event } of journal.read('app/invoicing'))
  if (to !== from) console.log(`${event.type}: ${JSON.stringify(from)} → ${JSON.stringify(to)}`);
