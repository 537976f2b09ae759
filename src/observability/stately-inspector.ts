import type { AnyStateMachine, InspectionEvent } from 'xstate';
import { SettingsError } from '../errors.ts';
import type { JournalRecord } from '../journal/journal.ts';
import type { Clock, TimerId } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { LiveMessages, recordedMessages, type StatelyMessage } from './stately-messages.ts';

/**
 * Shows actors, or what journals recorded of them, in the Stately inspector. Needs the optional peer
 * `@statelyai/inspect`, which carries the messages over a WebSocket to whoever listens: its own server
 * (`createInspectorServer` of `@statelyai/inspect/server`) or any other.
 */
export interface StatelyInspector extends Disposable {
  /** For the `inspect` option of an election, or of any XState actor. */
  readonly inspect: (event: InspectionEvent) => void;
  /** Plays a recorded stream: all at once, or with the pauses that there were, so many times as fast. */
  play(
    records: Iterable<JournalRecord>,
    machine: AnyStateMachine,
    options?: { readonly speed?: number; readonly signal?: AbortSignal },
  ): Promise<void>;
  stop(): void;
}

/** Where the inspector listens. */
export interface StatelyInspectorOptions {
  /** Where the inspector's server listens; default `ws://127.0.0.1:8080`. */
  readonly url?: string;
  readonly clock?: Clock;
}

/** Where the inspector's own server listens, unless it is told otherwise. */
export const INSPECTOR_URL = 'ws://127.0.0.1:8080';

/** Messages kept until the inspector listens; older ones are dropped first. */
export const MESSAGES_KEPT_MAX = 10_000;

/** How long nobody is called where nobody listened. */
const AGAIN_AFTER_MS = 5000;

interface Sender {
  readonly adapter: { send(event: unknown): void; start?(): void };
  stop(): void;
}

/**
 * Connects to an inspector; goes on trying every five seconds until there is one. One that was there and goes away is not
 * called again.
 *
 * @throws SettingsError `SETTINGS_INVALID` for an address that is none, or if `@statelyai/inspect` is not installed
 * @example
 * using inspector = await statelyInspector();
 * await using election = createLeaderElection({ resource: 'billing', leases, inspect: inspector.inspect });
 */
export async function statelyInspector({
  url = INSPECTOR_URL,
  clock = systemClock,
}: StatelyInspectorOptions = {}): Promise<StatelyInspector> {
  if (!/^wss?:\/\/[^/\s]+/.test(url))
    throw new SettingsError(
      'SETTINGS_INVALID',
      `The inspector's address is "${url}", but must be that of a WebSocket, for example ws://127.0.0.1:8080.`,
    );
  const sender = await connect(url, clock);
  const live = new LiveMessages();
  const send = (message: StatelyMessage) => sender.adapter.send(message);
  const stop = () => sender.stop();
  return {
    inspect: (event) => live.of(event, clock.wallMs()).forEach(send),
    async play(records, machine, { speed = Infinity, signal } = {}) {
      let last: number | null = null;
      for (const message of recordedMessages(records, machine)) {
        const wall = Number(message.createdAt);
        if (last !== null && speed !== Infinity && wall > last)
          await pause(clock, (wall - last) / speed, signal);
        if (signal?.aborted) return;
        last = wall;
        send(message);
      }
    },
    stop,
    [Symbol.dispose]: stop,
  };
}

async function connect(url: string, clock: Clock): Promise<Sender> {
  let inspection;
  try {
    inspection = await import('@statelyai/inspect');
  } catch (cause) {
    throw new SettingsError(
      'SETTINGS_INVALID',
      'The inspector needs the package @statelyai/inspect, which is not installed: npm install @statelyai/inspect.',
      { cause },
    );
  }
  const options = { url, maxDeferredEvents: MESSAGES_KEPT_MAX, autoStart: false };
  const inspector = inspection.createWebSocketInspector(options);
  return untilStopped(inspector, clock);
}

/**
 * The package goes on calling for ever where nobody listens, also when it was stopped, which keeps the process from
 * ending. So what it does about an error is done here instead.
 */
function untilStopped(sender: Sender, clock: Clock): Sender {
  const { adapter } = sender;
  let socket: EventTarget | undefined;
  let timer: TimerId = null;
  let isStopped = false;
  const again = () => {
    if (!isStopped) timer = clock.setTimeout(() => adapter.start?.(), AGAIN_AFTER_MS);
  };
  Object.defineProperty(adapter, 'ws', {
    get: () => socket,
    set: (next: EventTarget) => {
      socket = next;
      next.addEventListener('error', again);
      Object.defineProperty(next, 'onerror', { value: null, writable: true });
    },
  });
  adapter.start?.();
  return {
    adapter,
    stop: () => {
      isStopped = true;
      clock.clearTimeout(timer);
      sender.stop();
    },
  };
}

function pause(clock: Clock, ms: number, signal: AbortSignal | undefined): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = clock.setTimeout(resolve, ms);
  const give = () => {
    clock.clearTimeout(timer);
    resolve();
  };
  signal?.addEventListener('abort', give, { once: true });
  return promise.finally(() => signal?.removeEventListener('abort', give));
}
