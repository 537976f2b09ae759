import { type ChildProcess, fork, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { join } from 'node:path';
import { systemClock } from '../../runtime/system-clock.ts';
import type { MemberStatus } from '../member-status.ts';
import type { Report } from '../supervision.ts';

/** How a process ended, and when it was known to have. */
export interface Exit {
  readonly code: number | null;
  readonly signal: NodeJS.Signals | null;
  readonly mono: number;
}

export interface MemberProcessOptions {
  readonly name: string;
  /** Flags of `conclave up` beside those set here. */
  readonly flags: readonly string[];
  /** Where Node may keep what it compiled, for the next start. */
  readonly compileCache: string;
  /** Where it runs: not where settings of something else may lie. */
  readonly cwd: string;
  /** Takes its log. */
  readonly logFile: string;
  readonly onReport: (member: MemberProcess, report: Report) => void;
  readonly onExit: (member: MemberProcess, exit: Exit) => void;
}

/** A process that has not ended this long after it was told to is killed. */
const STOP_PATIENCE_MS = 5000;

const program = join(import.meta.dirname, '..', import.meta.filename.endsWith('.ts') ? 'main.ts' : 'main.js');

/**
 * One `conclave up` as a child process. It cannot outlive this process: the channel between them closes when this
 * one ends, however it ends, and while the child is frozen a third process waits to wake it in that case.
 */
export class MemberProcess {
  readonly name: string;
  readonly exited: Promise<Exit>;
  readonly #child: ChildProcess;
  #status: MemberStatus | null = null;
  #refusal: string | null = null;
  #exit: Exit | null = null;
  #guardian: ChildProcess | null = null;
  #asked = false;
  #felled = false;

  constructor({ name, flags, logFile, compileCache, cwd, onReport, onExit }: MemberProcessOptions) {
    this.name = name;
    const log = openSync(logFile, 'a');
    // A session of its own, so that Ctrl-C in the terminal reaches this process alone, which then ends in order.
    this.#child = fork(program, ['up', '--supervised', '--id', name, ...flags], {
      execArgv: [],
      detached: true,
      cwd,
      env: { NODE_COMPILE_CACHE: compileCache, ...process.env },
      stdio: ['ignore', log, log, 'ipc'],
    });
    closeSync(log);
    const { promise, resolve } = Promise.withResolvers<Exit>();
    this.exited = promise;
    this.#child.on('message', (message) => {
      const report = message as Report;
      if ('status' in report) this.#status = report.status;
      if (report.type === 'configuration') this.#refusal = report.problem;
      onReport(this, report);
    });
    const ended = (code: number | null, signal: NodeJS.Signals | null) => {
      if (this.#exit !== null) return;
      this.#exit = { code, signal, mono: systemClock.monotonicMs() };
      this.#dismissGuardian();
      resolve(this.#exit);
      onExit(this, this.#exit);
    };
    this.#child.on('exit', ended);
    this.#child.on('error', () => ended(null, null));
  }

  get pid(): number {
    return this.#child.pid ?? 0;
  }

  /** Its last word; null until it has said that it is ready. */
  get status(): MemberStatus | null {
    return this.#status;
  }

  /** Why it refused the newest configuration; null if it did not. */
  get refusal(): string | null {
    return this.#refusal;
  }

  get exit(): Exit | null {
    return this.#exit;
  }

  /** Whether it was told to end in order. */
  get asked(): boolean {
    return this.#asked;
  }

  /** Whether it was killed from here. */
  get felled(): boolean {
    return this.#felled;
  }

  get frozen(): boolean {
    return this.#guardian !== null;
  }

  kill(): void {
    this.#felled = true;
    this.#child.kill('SIGKILL');
  }

  /** Asks it to hand over and end. */
  terminate(): void {
    this.#asked = true;
    this.#child.kill('SIGTERM');
  }

  freeze(): void {
    this.#guardian = spawn('/bin/sh', ['-c', 'read -r thawed || kill -CONT "$1"', 'sh', String(this.pid)], {
      detached: true,
      stdio: ['pipe', 'ignore', 'ignore'],
    });
    this.#guardian.on('error', () => {});
    this.#guardian.stdin?.on('error', () => {});
    this.#child.kill('SIGSTOP');
  }

  thaw(): void {
    this.#child.kill('SIGCONT');
    this.#dismissGuardian();
  }

  /** Ends it for certain. */
  async stop(): Promise<void> {
    if (this.#exit !== null) return;
    if (this.frozen) this.thaw();
    this.terminate();
    const timer = systemClock.setTimeout(() => this.kill(), STOP_PATIENCE_MS);
    await this.exited;
    systemClock.clearTimeout(timer);
  }

  #dismissGuardian(): void {
    this.#guardian?.stdin?.end('thawed\n');
    this.#guardian = null;
  }
}
