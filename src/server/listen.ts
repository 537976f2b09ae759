import type { Server, ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Hono } from 'hono';
import { SettingsError } from '../errors.ts';
import type { Clock } from '../runtime/clock.ts';
import { systemClock } from '../runtime/system-clock.ts';
import { type CertificateOptions, nodeServer, SERVER_LIMITS, type ServerLimits } from './node-server.ts';

/** A server that listens. Disposing of it ends it, open connections included. */
export interface Listening extends AsyncDisposable {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /**
   * Finishes what is under way; each request that comes is the last of its connection. Resolves with the number of
   * requests that were not finished in time.
   */
  drain(withinMs: number): Promise<number>;
  /** Takes no connection any more; ends those there are. */
  close(): Promise<void>;
}

export interface ListenOptions {
  /** 0, the default, takes any free one. */
  readonly port?: number;
  /** Default loopback. */
  readonly address?: string;
  /** Try the next ports, at most this many, where the wanted one is taken. */
  readonly others?: number;
  /** Serves HTTPS. */
  readonly certificates?: CertificateOptions;
  readonly limits?: Partial<ServerLimits>;
  /** For simulations. Default the system's. */
  readonly clock?: Clock;
}

const PORT_MAX = 65_535;
/** How long requests may take that came while the others were waited for, in milliseconds. */
const LAST_REQUESTS_MS = 1000;

/**
 * Serves an application.
 *
 * @throws SettingsError `SETTINGS_INVALID` if the address, the port or the certificates cannot be had
 */
export async function listen(app: Hono, options: ListenOptions = {}): Promise<Listening> {
  const { port = 0, address = '127.0.0.1', others = 0 } = options;
  for (let at = port; ; at += 1) {
    try {
      return await listenAt(app, at, options);
    } catch (cause) {
      if (cause instanceof SettingsError) throw cause;
      const { code = '', message } = cause as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && at < Math.min(port + others, PORT_MAX)) continue;
      throw new SettingsError(
        'SETTINGS_INVALID',
        `${address}:${at} cannot be listened on: ${REASONS[code] ?? message}. Choose another port or address.`,
        { cause },
      );
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has it',
  EACCES: 'this user may not use that port',
  EADDRNOTAVAIL: 'this host has no such address',
};

async function listenAt(app: Hono, port: number, options: ListenOptions): Promise<Listening> {
  const { address = '127.0.0.1', certificates, clock = systemClock } = options;
  const server = serverOf(app, certificates ?? null, { ...SERVER_LIMITS, ...options.limits });
  const listening = new NodeListening(server, clock);
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen({ port, host: address }, resolve);
  });
  const host = address.includes(':') ? `[${address}]` : address;
  listening.at(`http${certificates === undefined ? '' : 's'}://${host}`);
  return listening;
}

function serverOf(app: Hono, certificates: CertificateOptions | null, limits: ServerLimits): Server {
  try {
    return nodeServer(app, certificates, limits);
  } catch (cause) {
    const message = cause instanceof Error ? cause.message : String(cause);
    throw new SettingsError(
      'SETTINGS_INVALID',
      `The certificates cannot be used: ${message}. Give the certificate chain and its key as PEM.`,
      { cause },
    );
  }
}

class NodeListening implements Listening {
  url = '';
  port = 0;
  readonly #server: Server;
  readonly #clock: Clock;
  readonly #underWay = new Set<ServerResponse>();
  #isDraining = false;
  #closed: Promise<void> | null = null;

  constructor(server: Server, clock: Clock) {
    this.#server = server;
    this.#clock = clock;
    server.prependListener('request', (_, outgoing) => {
      this.#underWay.add(outgoing);
      if (this.#isDraining) outgoing.shouldKeepAlive = false;
      outgoing.once('close', () => this.#underWay.delete(outgoing));
    });
  }

  at(origin: string): void {
    this.port = (this.#server.address() as AddressInfo).port;
    this.url = `${origin}:${this.port}`;
  }

  async drain(withinMs: number): Promise<number> {
    // Connections that wait for a next request stay until `close()`: one may be on its way just now.
    this.#isDraining = true;
    // Those that come meanwhile are answered as well, but not waited for: there may be no end of them.
    const before = [...this.#underWay];
    if (before.length === 0) return 0;
    const patience = Promise.withResolvers<void>();
    const timer = this.#clock.setTimeout(patience.resolve, withinMs);
    const ended = before.map((each) => new Promise<void>((resolve) => each.once('close', resolve)));
    await Promise.race([Promise.all(ended), patience.promise]);
    this.#clock.clearTimeout(timer);
    return before.filter((each) => this.#underWay.has(each)).length;
  }

  close(): Promise<void> {
    this.#closed ??= this.#close();
    return this.#closed;
  }

  async #close(): Promise<void> {
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    // Those that came after the others had been waited for.
    if (this.#isDraining) await this.drain(LAST_REQUESTS_MS);
    this.#server.closeAllConnections();
    await closed;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}
