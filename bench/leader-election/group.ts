/** Three members of one contestant on one Redis, and everything they said about leading. */
import { type ChildProcess, fork } from 'node:child_process';
import { join } from 'node:path';
import { guardedDirectory, guardProcess } from '../../test/redis/guard.ts';
import { startProxy, type TcpProxy } from '../../test/redis/proxy.ts';
import { type RedisServer, startRedis } from '../../test/redis/redis-server.ts';
import type { ContestantName } from './contestants.ts';
import { monotonicMs, type Told } from './member.ts';

/** A time in which a member believed that it led; `until` is null while it does. */
export interface Reign {
  readonly member: Member;
  readonly from: number;
  until: number | null;
}

const MEMBERS = 3;
const PATIENCE_MS = 60_000;

/** Nodes that start at once take all there is, and measurements with it: they queue here, a few at a time. */
const STARTS_MAX = 4;
let starts = 0;
const queue: (() => void)[] = [];

async function mayStart(): Promise<() => void> {
  if (starts === STARTS_MAX) await new Promise<void>((resolve) => queue.push(resolve));
  else starts += 1;
  let waiting = true;
  return () => {
    if (!waiting) return;
    waiting = false;
    const next = queue.shift();
    if (next === undefined) starts -= 1;
    else next();
  };
}

/** What Node compiled is there for all others. */
const compiled = guardedDirectory('compiled');

export class Member {
  readonly proxy: TcpProxy;
  readonly child: ChildProcess;
  readonly ended: Promise<void>;
  ready = false;
  woke: Extract<Told, { type: 'woke' }> | null = null;

  constructor(proxy: TcpProxy, child: ChildProcess) {
    this.proxy = proxy;
    this.child = child;
    this.ended = new Promise((resolve) => child.once('exit', () => resolve()));
  }
}

export class Group implements AsyncDisposable {
  readonly name: ContestantName;
  readonly leaseMs: number;
  readonly redis: RedisServer;
  readonly reigns: Reign[] = [];
  #members: Member[] = [];
  readonly #proxied: boolean;
  readonly #watchers = new Set<() => void>();

  private constructor(name: ContestantName, leaseMs: number, redis: RedisServer, proxied: boolean) {
    this.name = name;
    this.leaseMs = leaseMs;
    this.redis = redis;
    this.#proxied = proxied;
  }

  /** Starts the members and waits until one of them leads. `proxied`: each behind a proxy of its own. */
  static async start(name: ContestantName, leaseMs: number, { proxied = false } = {}): Promise<Group> {
    const group = new Group(name, leaseMs, await startRedis(), proxied);
    try {
      await group.settled();
      return group;
    } catch (error) {
      await group[Symbol.asyncDispose]();
      throw error;
    }
  }

  get members(): readonly Member[] {
    return this.#members;
  }

  /** The reign that goes on, if it is the only one. */
  get reign(): Reign | null {
    const going = this.reigns.filter(({ until }) => until === null);
    return going.length === 1 ? (going[0] ?? null) : null;
  }

  /** Brings the number of members up again; resolves with the one reign once all of them run. */
  async settled(): Promise<Reign> {
    while (this.#members.length < MEMBERS) await this.#join();
    return this.until('all run and one leads', () =>
      this.#members.every(({ ready }) => ready) ? this.reign : null,
    );
  }

  /** The first reign of another member that began after `mono`. */
  next(member: Member, mono: number): Promise<Reign> {
    return this.until(
      'another leads',
      () => this.reigns.find((each) => each.member !== member && each.from > mono) ?? null,
    );
  }

  until<T>(what: string, fact: () => T | null, withinMs = PATIENCE_MS): Promise<T> {
    return new Promise((resolve, reject) => {
      const look = () => {
        const found = fact();
        if (found === null) return;
        clearTimeout(late);
        this.#watchers.delete(look);
        resolve(found);
      };
      const late = setTimeout(() => {
        this.#watchers.delete(look);
        reject(new Error(`${this.name}: waited ${withinMs} ms in vain until ${what}`));
      }, withinMs);
      this.#watchers.add(look);
      look();
    });
  }

  /** Ends a member by a signal, or in order. */
  async end(member: Member, how: 'SIGKILL' | 'in order'): Promise<number> {
    const mono = monotonicMs();
    if (how === 'SIGKILL') member.child.kill('SIGKILL');
    else member.child.send('stop');
    await member.ended;
    return mono;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#members.map((member) => this.end(member, 'SIGKILL')));
    await this.redis[Symbol.asyncDispose]();
  }

  async #join(): Promise<void> {
    const proxy = await startProxy(this.redis);
    const url = this.#proxied ? proxy.url : this.redis.url;
    const args = [this.name, url, 'bench', String(this.leaseMs)];
    const file = join(import.meta.dirname, 'member.ts');
    const env = { ...process.env, NODE_COMPILE_CACHE: compiled.path };
    const started = await mayStart();
    const child = guardProcess(fork(file, args, { env, stdio: ['ignore', 'ignore', 'ignore', 'ipc'] }));
    const member = new Member(proxy, child);
    this.#members.push(member);
    child.once('exit', started);
    void this.until('it runs', () => member.ready || null).then(started, started);
    child.on('message', (told) => this.#note(member, told as Told));
    child.once('exit', () => {
      this.#members = this.#members.filter((each) => each !== member);
      this.#note(member, { type: 'lost', mono: monotonicMs() });
      void proxy[Symbol.asyncDispose]();
    });
  }

  #note(member: Member, told: Told): void {
    if (told.type === 'ready') member.ready = true;
    if (told.type === 'woke') member.woke = told;
    if (told.type === 'leads') this.reigns.push({ member, from: told.mono, until: null });
    if (told.type === 'lost') {
      const reign = this.reigns.find((each) => each.member === member && each.until === null);
      if (reign !== undefined) reign.until = told.mono;
    }
    for (const look of this.#watchers) look();
  }
}

/** The longest time in which two members believed that they led, in milliseconds up to `now`. */
export function overlapMs(reigns: readonly Reign[], now = monotonicMs()): number {
  let longest = 0;
  for (const [index, a] of reigns.entries())
    for (const b of reigns.slice(index + 1)) {
      if (a.member === b.member) continue;
      const both = Math.min(a.until ?? now, b.until ?? now) - Math.max(a.from, b.from);
      longest = Math.max(longest, both);
    }
  return longest;
}
