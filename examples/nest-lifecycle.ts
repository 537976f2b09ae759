/**
 * An election with the life of a NestJS application: it joins when the module is initialised, and hands over when the
 * application shuts down, before connections are closed.
 *
 *     node --conditions=conclave-source examples/nest-lifecycle.ts
 *
 * In an application write `@Injectable()` above the class and `implements OnModuleInit, OnApplicationShutdown`, give
 * it by a factory (`{ provide: Leadership, useFactory: () => new Leadership(leases, work) }`), and call
 * `app.enableShutdownHooks()`: without that Nest does not pass on SIGTERM, and every deployment costs a whole lease.
 */
import { setTimeout } from 'node:timers/promises';
import {
  createLeaderElection,
  type LeaderElection,
  type LeadershipTerm,
  type LeaseStore,
  memoryLeases,
} from 'conclave';

type Work = (term: LeadershipTerm) => Promise<void>;

export class Leadership {
  readonly election: LeaderElection;
  readonly #work: Work;
  #working: Promise<unknown> = Promise.resolve();

  constructor(leases: LeaseStore, work: Work) {
    this.#work = work;
    this.election = createLeaderElection({ resource: 'billing', leases });
  }

  /** Nest waits for this one: so it joins, and does not wait until this member leads, which may be never. */
  async onModuleInit(): Promise<void> {
    await this.election.start();
    this.#working = this.election.runWhileLeader(this.#work).catch((error: unknown) => {
      // The lease has been handed over when this is reached. A process whose work fails had better be started anew.
      console.error('Work of the leader failed:', error);
      process.exitCode = 1;
      process.kill(process.pid, 'SIGTERM');
    });
  }

  /** Ends the term, gives running work half a lease to settle, hands the lease over; a successor leads in milliseconds. */
  async onApplicationShutdown(): Promise<void> {
    await this.election.stop();
    await this.#working;
  }
}

/** What the application does while it leads: until the signal says otherwise, each write with the token. */
const work: Work = async ({ number, token, signal }) => {
  console.log(`term ${number} begins, writes carry token ${token}`);
  while (!signal.aborted) await setTimeout(1_000, undefined, { signal }).catch(() => {});
  console.log(`term ${number} is over`);
};

// The two calls that Nest makes.
await using leases = memoryLeases(); // over several hosts: redisLeases('redis://…')
const leadership = new Leadership(leases, work);
await leadership.onModuleInit();
await leadership.election.whenLeader();
await leadership.onApplicationShutdown();
console.log('leads:', leadership.election.isLeader);
