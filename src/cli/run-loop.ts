import { constants } from 'node:os';
import type { LeadershipTerm } from '../election/term.ts';
import type { Member } from './member.ts';
import { openMember } from './member-open.ts';
import { printError } from './output.ts';
import { killBudget, type KillBudget } from './run-budget.ts';
import { type Unrunnable, whyNotStarted } from './run-command.ts';
import { exitCodeOf } from './run-group.ts';
import { RunReporter } from './run-reporter.ts';
import type { RunMember } from './run-settings.ts';
import { type CommandLine, type Outcome, SupervisedCommand } from './run-supervised.ts';
import { type NoTerm, type Patience, termWithin } from './run-terms.ts';

/** Exit codes of `run` itself, out of the way of what commands use. */
const RUN_EXIT = {
  /** As sysexits.h has it: a temporary failure, try again later. */
  notLeader: 75,
  lost: 76,
  /** As `env`, `nohup` and `timeout` have it. */
  failed: 125,
} as const;

/** Signals passed on to the command's group; those that end a program end the waiting, too. */
const ENDING = ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT'] as const;
const OTHERS = ['SIGUSR1', 'SIGUSR2', 'SIGWINCH'] as const;

export interface RunOptions {
  readonly killAfter?: number;
  readonly once?: true;
  readonly try?: true;
  readonly wait?: number;
  readonly restart: 'on-loss' | 'never';
  readonly quiet?: true;
  readonly json?: true;
}

/** Says why a command cannot run and returns the exit code. */
export function reportUnrunnable({ exitCode, message }: Unrunnable): number {
  printError(message, { code: 'COMMAND_NOT_FOUND' });
  return exitCode;
}

/** Leads, runs the command, and leads again, as the options say. */
export class Runner implements AsyncDisposable {
  readonly #command: CommandLine;
  readonly #options: RunOptions;
  readonly #member: Member;
  readonly #reporter: RunReporter;
  readonly #interrupted = new AbortController();
  readonly #stopListening: () => void;
  #asked: (typeof ENDING)[number] | null = null;
  #running: SupervisedCommand | null = null;

  constructor(command: CommandLine, options: RunOptions, { member, notes }: RunMember) {
    this.#command = command;
    this.#options = options;
    this.#reporter = new RunReporter({ json: options.json === true, quiet: options.quiet === true });
    for (const note of notes) this.#reporter.note(note);
    this.#member = openMember(member);
    this.#stopListening = this.#listen();
  }

  /**
   * Resolves with the exit code.
   *
   * @throws SettingsError `TIMING_UNSAFE` if no time is left to stop the command
   */
  async run(): Promise<number> {
    const { election } = this.#member;
    const budget = killBudget(election.actor.getSnapshot().context.timings, this.#options.killAfter);
    this.#reporter.watch(election);
    await this.#member.start();
    void this.#member.askedToStop.then(() => this.#interrupt('SIGTERM'));
    for (let patience = this.#patience(); ; patience = 'endless') {
      const stopTelling = patience === 'first-answer' ? () => {} : this.#tellWhoLeads();
      const term = await termWithin(election, patience, this.#interrupted.signal);
      stopTelling();
      if ('kind' in term) return this.#withoutTerm(term);
      const outcome = await this.#runIn(term, budget);
      const code = this.#exitCodeFor(outcome);
      if (code !== null) return code;
      // Stopped while the lease still stood: somebody with a better connection may be there.
      if (election.isLeader) await election.resign();
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const led = this.#member.election.isLeader;
    await this.#member.stop();
    if (led) this.#reporter.released();
    this.#stopListening();
    this.#reporter[Symbol.dispose]();
  }

  #patience(): Patience {
    if (this.#options.try) return 'first-answer';
    return this.#options.wait ?? 'endless';
  }

  async #runIn(term: LeadershipTerm, budget: KillBudget): Promise<Outcome> {
    const { election } = this.#member;
    using running = new SupervisedCommand(election, term, this.#command, budget, (progress) =>
      this.#reporter.progress(progress, term),
    );
    this.#running = running;
    const onLoss = election.on('lostLeadership', ({ cause }) => {
      // Given up on purpose the lease stands until the work has settled; otherwise it may be another's already.
      if (cause === 'released' || cause === 'stopped') running.stop();
      else running.kill();
    });
    const onEnd = () => running.stop();
    term.signal.addEventListener('abort', onEnd, { once: true });
    if (term.signal.aborted) running.kill();
    try {
      const outcome = await running.outcome;
      this.#reporter.outcome(outcome);
      return outcome;
    } finally {
      this.#running = null;
      onLoss();
      term.signal.removeEventListener('abort', onEnd);
    }
  }

  /** Null if the command is to run again in the next term. */
  #exitCodeFor(outcome: Outcome): number | null {
    if (outcome.kind === 'failed')
      return reportUnrunnable(whyNotStarted(this.#command.program, outcome.code, outcome.message));
    if (outcome.stopped === null || this.#asked !== null || this.#options.once) return exitCodeOf(outcome);
    return this.#options.restart === 'never' ? RUN_EXIT.lost : null;
  }

  #withoutTerm(why: NoTerm): number {
    const { resource } = this.#member.settings;
    switch (why.kind) {
      case 'interrupted':
        return this.#asked === null ? RUN_EXIT.failed : 128 + constants.signals[this.#asked];
      case 'store-unavailable':
        printError(`The store could not be asked who leads "${resource}".`, { code: 'STORE_UNAVAILABLE' });
        return RUN_EXIT.failed;
      case 'other-leads':
        if (!this.#options.quiet) {
          const nobody = `Nobody is known to lead "${resource}", but it could not be had in time.`;
          const message = why.leader === null ? nobody : `${why.leader} leads "${resource}".`;
          printError(message, { code: 'NOT_LEADER' });
        }
        return RUN_EXIT.notLeader;
    }
  }

  #tellWhoLeads(): () => void {
    const { election } = this.#member;
    const tell = () => {
      if (!election.isLeader && election.currentLeader !== null)
        this.#reporter.waiting(election.resource, election.currentLeader);
    };
    const subscription = election.state$.subscribe(tell);
    return () => subscription.unsubscribe();
  }

  #listen(): () => void {
    const passOn = (signal: NodeJS.Signals) => this.#running?.signal(signal);
    const end = (signal: NodeJS.Signals) => this.#interrupt(signal as (typeof ENDING)[number]);
    for (const signal of OTHERS) process.on(signal, passOn);
    for (const signal of ENDING) process.on(signal, end);
    return () => {
      for (const signal of OTHERS) process.removeListener(signal, passOn);
      for (const signal of ENDING) process.removeListener(signal, end);
    };
  }

  #interrupt(signal: (typeof ENDING)[number]): void {
    this.#asked ??= signal;
    this.#running?.signal(signal);
    this.#interrupted.abort();
  }
}
