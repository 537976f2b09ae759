/**
 * A TCP proxy of our own, for what a network does to a connection: it loses bytes without a FIN or RST, delays them,
 * cuts after the request was executed, refuses. Point a client at `url` instead of at the server.
 */
import { once } from 'node:events';
import { createServer, type AddressInfo, connect, type Server, type Socket } from 'node:net';

export type Direction = 'toServer' | 'toClient' | 'both';

export interface ProxyTarget {
  readonly port: number;
  readonly host?: string;
  /** Taken over for the proxy's own address: scheme and credentials. */
  readonly url?: string;
}

interface Link {
  readonly client: Socket;
  readonly server: Socket;
  /** Bytes were lost on it: both ends disagree, and would misread all that follows. */
  torn: boolean;
  /** The next reply is not delivered; the connection is reset instead. */
  cutAtReply: boolean;
}

export class TcpProxy implements AsyncDisposable {
  #target: ProxyTarget;
  readonly #listener: Server;
  readonly #links = new Set<Link>();
  #lost: Direction | null = null;
  #delayMs = 0;
  #refusing = false;
  #cut: { readonly request: RegExp; readonly done: () => void } | null = null;
  /** Delivered so far. */
  readonly bytes = { toServer: 0, toClient: 0 };

  private constructor(target: ProxyTarget) {
    this.#target = target;
    this.#listener = createServer((client) => this.#accept(client));
  }

  static async start(target: ProxyTarget): Promise<TcpProxy> {
    const proxy = new TcpProxy(target);
    await once(proxy.#listener.listen(0, '127.0.0.1'), 'listening');
    return proxy;
  }

  get port(): number {
    return (this.#listener.address() as AddressInfo).port;
  }

  /** The target's address with the proxy's own port. */
  get url(): string {
    const { url = 'redis://127.0.0.1', host = '127.0.0.1', port } = this.#target;
    return url.replace(`${host}:${port}`, `127.0.0.1:${this.port}`);
  }

  get connections(): number {
    return this.#links.size;
  }

  /** The ports that the server sees its clients come from. */
  get sourcePorts(): readonly number[] {
    return [...this.#links].flatMap(({ server }) => server.localPort ?? []);
  }

  /** From now on nothing arrives in this direction, and nobody is told: no FIN, no RST. */
  drop(direction: Direction = 'both'): void {
    this.#lost = direction;
  }

  /** Lets everything through again. Connections that lost something are reset, as they are in the end in life. */
  heal(): void {
    this.#lost = null;
    this.#refusing = false;
    this.#delayMs = 0;
    for (const link of this.#links) if (link.torn) this.#reset(link);
  }

  /** Each chunk takes this long, each way. */
  delay(ms: number): void {
    this.#delayMs = ms;
  }

  /** Resets all connections, and new ones until `heal()`. */
  refuse(): void {
    this.#refusing = true;
    this.cut();
  }

  /** Leads somewhere else from now on, as an address does that moves with a failover; resets all connections. */
  leadTo(target: ProxyTarget): void {
    this.#target = target;
    this.cut();
  }

  /** Resets all connections. */
  cut(): void {
    for (const link of this.#links) this.#reset(link);
  }

  /** Lets the next matching request be executed, and resets the connection instead of delivering the reply. */
  cutAfter(request: RegExp): Promise<void> {
    return new Promise((done) => {
      this.#cut = { request, done };
    });
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#listener.close();
    if (this.#listener.listening) await once(this.#listener, 'close');
  }

  #accept(client: Socket): void {
    if (this.#refusing) {
      client.resetAndDestroy();
      return;
    }
    const { port, host = '127.0.0.1' } = this.#target;
    const server = connect({ port, host });
    const link: Link = { client, server, torn: false, cutAtReply: false };
    this.#links.add(link);
    client.setNoDelay(true);
    server.setNoDelay(true);
    client.on('data', (chunk) => this.#pass(link, 'toServer', chunk));
    server.on('data', (chunk) => this.#pass(link, 'toClient', chunk));
    // One side's end is the other's, unless the network loses that, too.
    client.on('close', () => this.#closed(link, 'toServer'));
    server.on('close', () => this.#closed(link, 'toClient'));
    for (const socket of [client, server]) socket.on('error', () => {});
  }

  #pass(link: Link, direction: 'toServer' | 'toClient', chunk: Buffer): void {
    if (this.#loses(direction)) {
      link.torn = true;
      return;
    }
    if (direction === 'toServer' && this.#cut?.request.test(chunk.toString('latin1')) === true)
      link.cutAtReply = true;
    if (direction === 'toClient' && link.cutAtReply) {
      this.#reset(link);
      this.#cut?.done();
      this.#cut = null;
      return;
    }
    this.bytes[direction] += chunk.length;
    const to = direction === 'toServer' ? link.server : link.client;
    if (this.#delayMs === 0) to.write(chunk);
    else setTimeout(() => to.destroyed || to.write(chunk), this.#delayMs);
  }

  #closed(link: Link, direction: 'toServer' | 'toClient'): void {
    if (this.#loses(direction)) link.torn = true;
    else this.#reset(link);
  }

  #loses(direction: 'toServer' | 'toClient'): boolean {
    return this.#lost === 'both' || this.#lost === direction;
  }

  #reset(link: Link): void {
    this.#links.delete(link);
    for (const socket of [link.client, link.server]) if (!socket.destroyed) socket.resetAndDestroy();
  }
}

/**
 * Starts a proxy in front of a server.
 *
 * @example
 * await using proxy = await startProxy(redis);
 * const client = new Redis(proxy.url);
 * proxy.drop(); // from now on the client waits in vain
 */
export const startProxy = (target: ProxyTarget): Promise<TcpProxy> => TcpProxy.start(target);
