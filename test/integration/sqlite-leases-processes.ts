import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import type {
  AcquireReply,
  AcquireRequest,
  LeaseSignal,
  LeaseView,
  ReleaseReply,
  RenewReply,
} from '../../src/lease/lease-store.ts';
import type { Belief, Command, Told } from './sqlite-leases-member.ts';

/** Member processes and a directory of their own; all of it ends with the test. */
export class Processes implements AsyncDisposable {
  readonly directory: string;
  readonly path: string;
  readonly #members: MemberProcess[] = [];

  private constructor(directory: string) {
    this.directory = directory;
    this.path = join(directory, 'leases.db');
  }

  static async create(): Promise<Processes> {
    return new Processes(await mkdtemp(join(tmpdir(), 'conclave-leases-')));
  }

  /** Starts a member, under `wrapper` if given, and opens the store in it. */
  async member(
    id: string,
    {
      freshStore = 'trust',
      wrapper = [],
    }: { readonly freshStore?: 'wait' | 'trust'; readonly wrapper?: readonly string[] } = {},
  ): Promise<MemberProcess> {
    const member = new MemberProcess(id, wrapper);
    this.#members.push(member);
    await member.ask({ op: 'open', path: this.path, freshStore });
    return member;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => member.kill()));
    await rm(this.directory, { recursive: true, force: true });
  }
}

interface Answered<T> {
  readonly answer: T;
  /** Wall time at which the member began. */
  readonly startedAt: number;
  readonly tookMs: number;
}

export class MemberProcess {
  readonly id: string;
  readonly signals: { readonly signal: LeaseSignal; readonly at: number }[] = [];
  readonly #process: ChildProcess;
  readonly #exited: Promise<unknown>;
  readonly #calls = new Map<
    number,
    { resolve: (told: Answered<unknown>) => void; reject: (error: Error) => void }
  >();
  #calling = 0;
  #attempt = 0;

  constructor(id: string, wrapper: readonly string[]) {
    this.id = id;
    const program = fileURLToPath(new URL('./sqlite-leases-member.ts', import.meta.url));
    const [command = '', ...args] = wrapper.concat(process.execPath, program);
    const env = { ...process.env };
    for (const name of ['NODE_OPTIONS', 'VITEST']) Reflect.deleteProperty(env, name);
    this.#process = spawn(command, args, {
      env,
      serialization: 'advanced',
      stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
      // A group of its own, so that a wrapper dies together with what it runs.
      detached: true,
    });
    this.#exited = this.#end();
    this.#process.on('message', (told: Told) => this.#hear(told));
  }

  async ask<T>(command: Command): Promise<Answered<T>> {
    this.#calling += 1;
    const call = this.#calling;
    return new Promise((resolve, reject) => {
      this.#calls.set(call, { resolve: resolve as (told: Answered<unknown>) => void, reject });
      this.#process.send({ call, ...command });
    });
  }

  async acquire(leaseMs: number, more: Partial<AcquireRequest> = {}): Promise<AcquireReply> {
    this.#attempt += 1;
    const ask: AcquireRequest = {
      resource: 'billing',
      id: this.id,
      attempt: this.#attempt,
      leaseMs,
      graceMs: 0,
      longestMs: leaseMs,
      seen: 0n,
      observed: null,
      loss: null,
      nonce: `${this.id}-${this.#attempt}`,
      ...more,
    };
    return (await this.ask<AcquireReply>({ op: 'acquire', ask })).answer;
  }

  async renew(token: bigint, beat: number, leaseMs: number): Promise<RenewReply> {
    const ask = { resource: 'billing', id: this.id, token, beat, leaseMs, graceMs: 0, term: 1 };
    return (await this.ask<RenewReply>({ op: 'renew', ask })).answer;
  }

  release(token: bigint): Promise<Answered<ReleaseReply>> {
    return this.ask({ op: 'release', ask: { resource: 'billing', id: this.id, token } });
  }

  async watch(): Promise<void> {
    await this.ask({ op: 'watch', resource: 'billing' });
  }

  async read(): Promise<LeaseView | null> {
    return (await this.ask<LeaseView | null>({ op: 'read', resource: 'billing' })).answer;
  }

  async contend(leaseMs: number, terms: number): Promise<Belief[]> {
    return (await this.ask<Belief[]>({ op: 'contend', resource: 'billing', id: this.id, leaseMs, terms }))
      .answer;
  }

  /** Kills it and all that it started, at once. */
  async kill(): Promise<void> {
    const { pid, exitCode, signalCode } = this.#process;
    if (pid === undefined) return;
    if (exitCode === null && signalCode === null) process.kill(-pid, 'SIGKILL');
    await this.#exited;
  }

  async #end(): Promise<void> {
    await once(this.#process, 'exit');
    for (const { reject } of this.#calls.values()) reject(new Error(`member ${this.id} ended`));
  }

  #hear(told: Told): void {
    if ('signal' in told) {
      this.signals.push(told);
      return;
    }
    const call = this.#calls.get(told.call);
    this.#calls.delete(told.call);
    if ('error' in told) call?.reject(Object.assign(new Error(told.error.message), told.error));
    else call?.resolve(told);
  }
}
