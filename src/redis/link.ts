import { BehaviorSubject, type Observable } from 'rxjs';
import { ConclaveError, StoreUnavailableError, UsageError } from '../errors.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import type { PipelineResults, RedisArgument, RedisClient, RedisNode } from './client.ts';
import { keyOf, type ExchangeOptions, type Outcome, type ScriptCall } from './link-call.ts';
import { bare, isFlagUnknown, isNoScript, isTryAgain, redirection, unavailable } from './link-errors.ts';
import { RedisRoutes, type Route } from './link-route.ts';
import type { RedisScript } from './script.ts';

export type { Outcome, ScriptCall } from './link-call.ts';

/**
 * Runs scripts on Redis, whatever its topology.
 *
 * What it guarantees: a request is written to a connection at most once for each time the server has certainly not
 * executed it (no such script, another node's slot); nothing is sent after its time, and nothing a second time by a
 * client's own retries, for it is sent only over a connection that is ready, and to a cluster's node directly. What
 * was asked together goes out in one write to each node, on one connection, so that a WAIT counts for what stands
 * before it.
 */

/** Exchanges under way at a time; more are refused at once. */
export const CALLS_UNDER_WAY_MAX = 10_000;
/** How often a request is sent again that was certainly not executed. */
const ROUNDS_MAX = 6;
/** How long a slot that moves from node to node is given. */
const TRY_AGAIN_MS = 40;
/** How long after the end of a connection of our own that nobody asked for another is opened. */
const REOPEN_MS = 1000;

export type LinkState = 'connecting' | 'ready' | 'lost';

export interface LinkOptions {
  /**
   * Opens the connection; called again if it failed. `onError` is to be told why there is none, `signal` ends it.
   */
  readonly open: (
    onError: (error: ConclaveError) => void,
    signal: AbortSignal,
  ) => Promise<RedisClient> | RedisClient;
  /** Whether the connection is ours: closed with the link, and replaced when it goes silent. */
  readonly owned: boolean;
  /** For messages: an address, never a secret. */
  readonly location: string;
  readonly clock: Clock;
}

/** A request on its way: which it is in the order asked, and where and how it goes in the next round. */
interface Pending {
  readonly index: number;
  readonly call: ScriptCall;
  readonly whole: boolean;
  readonly address: string | null;
  readonly asking: boolean;
  /** Not at once: a slot is moving. */
  readonly later: boolean;
}

export class RedisLink {
  readonly location: string;
  readonly #options: LinkOptions;
  readonly #state = new BehaviorSubject<LinkState>('connecting');
  #opening: Promise<RedisRoutes> | null = null;
  /** Who waits for that: each as long as it wants to, however long it takes. */
  readonly #waiting = new Set<(opened: Opened) => void>();
  #reopen: TimerId = null;
  #routes: RedisRoutes | null = null;
  readonly #closing = new AbortController();
  /** Why there is no connection, as its opener explains it. */
  #explained: ConclaveError | null = null;
  /** Scripts on their way to a server that did not have them. */
  readonly #bringing = new WeakMap<RedisNode, Set<RedisScript>>();
  #plain = false;
  #epoch = 0;
  #underWay = 0;
  #closed = false;

  constructor(options: LinkOptions) {
    this.#options = options;
    this.location = options.location;
  }

  /** Whether commands can be sent at present. Completes when the link is closed. */
  get state$(): Observable<LinkState> {
    return this.#state;
  }

  /** Another number after each time that a connection was made: what was known before may be of other data. */
  get epoch(): number {
    return this.#epoch;
  }

  /** The connection, opened if it is not, which may take for ever; rejects with what is in the way. */
  async client(patienceMs = Infinity): Promise<RedisClient> {
    const opened = await this.#untilOpen(this.#now() + patienceMs);
    if ('error' in opened) throw opened.error;
    return opened.client;
  }

  /** Which of these keys can be asked for in one write: those with the same answer. */
  ownerOf(key: string): string {
    return this.#routes?.ownerOf(key) ?? '';
  }

  /** Runs one script. Resolves with an error rather than rejecting. */
  async run(call: ScriptCall, options: ExchangeOptions): Promise<Outcome> {
    const [outcome] = await this.runTogether([call], options);
    return outcome as Outcome;
  }

  /** Runs scripts in one write to each node that is concerned; the outcomes are in the order of the calls. */
  async runTogether(calls: readonly ScriptCall[], options: ExchangeOptions): Promise<readonly Outcome[]> {
    if (this.#underWay + calls.length > CALLS_UNDER_WAY_MAX)
      return calls.map(() => ({ error: this.#overloaded() }));
    this.#underWay += calls.length;
    try {
      return await this.#rounds(calls, options);
    } finally {
      this.#underWay -= calls.length;
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.#closing.abort();
    if (this.#reopen !== null) this.#options.clock.clearTimeout(this.#reopen);
    this.#state.complete();
    this.#tellOpened({ error: this.#closedError() });
    if (this.#routes) this.#leave(this.#routes);
  }

  async #rounds(calls: readonly ScriptCall[], options: ExchangeOptions): Promise<readonly Outcome[]> {
    const deadline = this.#now() + options.patienceMs;
    const outcomes: Outcome[] = [];
    let pending: Pending[] = calls.map((call, index) => ({
      index,
      call,
      whole: false,
      address: null,
      asking: false,
      later: false,
    }));
    for (let round = 1; pending.length > 0; round += 1) {
      const again: Pending[] = [];
      const groups = Map.groupBy(pending, ({ call, address }) => address ?? this.ownerOf(keyOf(call)));
      const answers = await Promise.all(
        [...groups.values()].map((group) => this.#exchange(group, options, deadline)),
      );
      for (const { each, answer } of answers.flat()) {
        const next = 'refusal' in answer && round < ROUNDS_MAX ? this.#next(each, answer.refusal) : null;
        if (next !== null) again.push(next);
        else if ('refusal' in answer)
          outcomes[each.index] = { error: unavailable(answer.refusal, this.location, true) };
        else outcomes[each.index] = answer;
      }
      pending = again;
      if (pending.some(({ later }) => later)) await this.#pause();
    }
    return outcomes;
  }

  /** How a request that was refused unexecuted goes out again, or null if it does not. */
  #next(each: Pending, refusal: Error): Pending | null {
    if (isNoScript(refusal)) return { ...each, whole: true };
    if (isFlagUnknown(refusal) && !this.#plain) {
      this.#plain = true;
      return { ...each, whole: true };
    }
    if (isTryAgain(refusal)) return { ...each, address: null, asking: false, later: true };
    const redirected = redirection(refusal);
    const inCluster = this.ownerOf(keyOf(each.call)) !== '';
    if (redirected === null || !inCluster) return null;
    if (!redirected.asking) void this.#routes?.refresh();
    return { ...each, address: redirected.address, asking: redirected.asking, later: false };
  }

  #pause(): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#options.clock.setTimeout(resolve, TRY_AGAIN_MS);
    return promise;
  }

  /** One write to one node. */
  async #exchange(
    group: readonly Pending[],
    options: ExchangeOptions,
    deadline: number,
  ): Promise<{ each: Pending; answer: Outcome | { readonly refusal: Error } }[]> {
    const all = (error: ConclaveError) => group.map((each) => ({ each, answer: { error } }));
    const [first] = group as [Pending, ...Pending[]];
    const route = await this.#route(first, deadline);
    if (this.#closed) return all(this.#closedError());
    if ('error' in route) return all(this.#unreachable(route.error));
    if (options.isWanted?.() === false || this.#now() > deadline) return all(this.#tooLate());
    const { node, peer } = route;
    const leaving = group.filter(({ call }) => call.isWanted?.() !== false);
    const staying = group.filter((each) => !leaving.includes(each));
    const stayed = staying.map((each) => ({ each, answer: { error: this.#tooLate() } }));
    if (leaving.length === 0) return stayed;
    options.onSent?.();
    const sentAt = this.#now();
    const missed = this.#options.clock.setTimeout(() => peer.unanswered(sentAt), options.patienceMs);
    try {
      const results = await this.#write(node, leaving, options);
      if (results.some(([error]) => error === null || isSaidByServer(error))) peer.answered();
      return [
        ...stayed,
        ...leaving.map((each, index) => ({ each, answer: this.#answer(results, index, options) })),
      ];
    } catch (error) {
      return all(unavailable(error, this.location, true));
    } finally {
      this.#options.clock.clearTimeout(missed);
    }
  }

  async #route({ call, address }: Pending, deadline: number): Promise<Route> {
    const opened = await this.#untilOpen(deadline);
    if ('error' in opened) return opened;
    const { clock } = this.#options;
    const { promise: late, resolve } = Promise.withResolvers<Route>();
    const timer = clock.setTimeout(() => resolve({ error: noneInTime() }), deadline - clock.monotonicMs());
    const route = await Promise.race([opened.to(keyOf(call), address, deadline), late]);
    clock.clearTimeout(timer);
    return route;
  }

  /** The results of the scripts, without those of ASKING; the last is WAIT's, if it was asked for. */
  async #write(
    node: RedisNode,
    group: readonly Pending[],
    { replicas }: ExchangeOptions,
  ): Promise<NonNullable<PipelineResults>> {
    const brought = new Set<RedisScript>();
    const bringing = this.#bringing.get(node) ?? new Set();
    this.#bringing.set(node, bringing);
    const commands = group.flatMap<RedisArgument[]>(({ call: { script, keys, args }, whole, asking }) => {
      const { text, sha } = this.#plain ? script.plain : script.flagged;
      // The first that brings the script brings it for all that are written to this connection behind it.
      const brings = whole && !bringing.has(script);
      if (brings) brought.add(script);
      if (brings) bringing.add(script);
      const called = brings ? ['eval', text] : ['evalsha', sha];
      const all = typeof keys === 'function' ? keys() : keys;
      const run = [...called, all.length, ...all, ...(typeof args === 'function' ? args() : args)];
      return asking ? [['asking'], run] : [run];
    });
    if (replicas) commands.push(['wait', replicas.count, Math.ceil(replicas.withinMs)]);
    try {
      const results = (await node.pipeline(commands).exec()) ?? [];
      return results.filter((_, index) => commands[index]?.[0] !== 'asking');
    } finally {
      for (const script of brought) bringing.delete(script);
    }
  }

  #answer(
    results: NonNullable<PipelineResults>,
    index: number,
    { replicas }: ExchangeOptions,
  ): Outcome | { readonly refusal: Error } {
    const [error, reply] = results[index] ?? [new Error('The client gave no result.'), null];
    if (error !== null) {
      const isRefusal =
        isNoScript(error) || isFlagUnknown(error) || isTryAgain(error) || redirection(error) !== null;
      return isRefusal ? { refusal: error } : { error: unavailable(error, this.location, true) };
    }
    if (!replicas) return { reply, replicas: null };
    const [waitError, count] = results.at(-1) ?? [null, 0];
    // Executed, but nobody knows by how many: as if by none.
    return { reply, replicas: waitError === null ? Number(count) : 0 };
  }

  /** The routes once there is a connection, or what is in the way; finding out where to connect may take for ever. */
  async #untilOpen(deadline: number): Promise<Opened> {
    if (this.#closed) return { error: this.#closedError() };
    if (this.#routes) return this.#routes;
    const { clock } = this.#options;
    const { promise, resolve } = Promise.withResolvers<Opened>();
    this.#waiting.add(resolve);
    this.#open();
    const waitMs = deadline - this.#now();
    const late = () => resolve({ error: noneInTime() });
    const timer = waitMs === Infinity ? null : clock.setTimeout(late, Math.max(0, waitMs));
    const opened = await promise;
    if (timer !== null) clock.clearTimeout(timer);
    this.#waiting.delete(resolve);
    return opened;
  }

  #open(): void {
    if (this.#closed || this.#opening || this.#routes) return;
    this.#opening = this.#opened();
    this.#opening.then(this.#tellOpened, (error: unknown) => this.#tellOpened({ error }));
  }

  readonly #tellOpened = (opened: Opened): void => {
    for (const resolve of this.#waiting) resolve(opened);
  };

  async #opened(): Promise<RedisRoutes> {
    try {
      const explain = (error: ConclaveError) => (this.#explained = error);
      const client = await this.#options.open(explain, this.#closing.signal);
      const { clock, owned } = this.#options;
      const routes = new RedisRoutes(client, { clock, owned, onReady: () => (this.#epoch += 1) });
      // Closed while it was opened.
      if (this.#closed) this.#leave(routes);
      else this.#follow(client);
      this.#routes = routes;
      return routes;
    } finally {
      this.#opening = null;
    }
  }

  #follow(client: RedisClient): void {
    client.on('ready', this.#up);
    client.on('close', this.#down);
    client.on('end', this.#ended);
    if (client.status === 'ready') this.#up();
  }

  #leave(routes: RedisRoutes): void {
    routes.forget();
    const { client } = routes;
    client.off('ready', this.#up);
    client.off('close', this.#down);
    client.off('end', this.#ended);
    if (this.#options.owned) client.disconnect();
  }

  readonly #up = () => {
    this.#explained = null;
    this.#tell('ready');
  };
  readonly #down = () => this.#tell('lost');

  /** One of our own ends when we close it. Whatever else ended it, leases go on over another. */
  readonly #ended = () => {
    this.#down();
    const routes = this.#routes;
    if (!this.#options.owned || this.#closed || routes === null) return;
    this.#leave(routes);
    this.#routes = null;
    this.#reopen = this.#options.clock.setTimeout(() => this.#open(), REOPEN_MS);
  };

  #tell(state: LinkState): void {
    if (this.#state.value !== state) this.#state.next(state);
  }

  #now(): number {
    return this.#options.clock.monotonicMs();
  }

  #unreachable(cause: unknown): ConclaveError {
    if (cause instanceof ConclaveError) return cause;
    if (this.#explained) return this.#explained;
    const said = cause instanceof Error ? cause.message : String(cause);
    const message = `Redis at ${this.location} cannot be reached at present (${said}). It is tried again.`;
    return new StoreUnavailableError('STORE_UNAVAILABLE', message, {
      cause: bare(cause),
      outcomeUnknown: false,
    });
  }

  #tooLate(): ConclaveError {
    const message = `A call to Redis at ${this.location} was given up before it was made.`;
    return new StoreUnavailableError('STORE_TIMEOUT', message, { outcomeUnknown: false });
  }

  #overloaded(): ConclaveError {
    const message =
      `Redis at ${this.location} does not answer: ${CALLS_UNDER_WAY_MAX} calls are under way already. ` +
      'Look at the server; the calls that wait end with it.';
    return new StoreUnavailableError('STORE_UNAVAILABLE', message, { outcomeUnknown: false });
  }

  #closedError(): ConclaveError {
    return new UsageError('STORE_CLOSED', `The connection to Redis at ${this.location} was closed.`);
  }
}

type Opened = RedisRoutes | { readonly error: unknown };

function noneInTime(): Error {
  return new Error('There was no connection in time.');
}

/** Anything but what the client says of its own connection: the server lives. */
function isSaidByServer(error: Error): boolean {
  return error.name === 'ReplyError';
}
