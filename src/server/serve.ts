import { isIP } from 'node:net';
import { SettingsError } from '../errors.ts';
import { refuseUnknownOptions } from '../unknown-options.ts';
import { appOf, metricsAppOf } from './app.ts';
import { APP_OPTIONS, type ConclaveAppOptions, resolveAppOptions, type ServedMember } from './app-options.ts';
import type { Lifecycle } from './lifecycle.ts';
import { listen, type Listening } from './listen.ts';
import type { CertificateOptions } from './node-server.ts';

/** A member's own servers: one for people and programs, one for Prometheus. */

export interface ServeConclaveOptions extends ConclaveAppOptions {
  /** Default 127.0.0.1: this host only. */
  readonly address?: string;
  /** Default 8080; 0 takes any free one. */
  readonly port?: number;
  /** Where `/metrics` is. Default 8081; the same as `port`, and it is there. */
  readonly metricsPort?: number;
  /** Whether another program's having the port is an error. False: the next ports are tried, 100 at most. Default true. */
  readonly strictPort?: boolean;
  /** The same for `metricsPort`. Default as `strictPort`. */
  readonly strictMetricsPort?: boolean;
  /** Serves HTTPS, on both. */
  readonly certificates?: CertificateOptions;
}

export const PORT_DEFAULT = 8080;
export const METRICS_PORT_DEFAULT = 8081;
/** Ports that are tried behind one that is taken. */
export const OTHER_PORTS_MAX = 100;

/** A member's servers while they listen. */
export interface ConclaveServer extends AsyncDisposable {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
  /** `http://127.0.0.1:8081/metrics`; null without metrics. */
  readonly metricsUrl: string | null;
  readonly lifecycle: Lifecycle;
  /**
   * Not ready from now on; streams end, what is under way is finished, connections are closed as they become idle. New
   * requests are answered all the same until `close()`, so that whoever asks learns that this member is not ready.
   * Resolves with the number of requests that were not finished in time.
   */
  drain(withinMs: number): Promise<number>;
  /** Takes no connection any more; ends those there are. */
  close(): Promise<void>;
}

const OPTIONS = [
  ...APP_OPTIONS,
  ...(['address', 'port', 'metricsPort', 'strictPort', 'strictMetricsPort', 'certificates'] as const),
];

/**
 * Serves a member until it is closed.
 *
 * @throws SettingsError if an option is unknown or impossible, or a port is taken
 *
 * @example
 * await using server = await serveConclave({ election, config, metrics, tokens });
 * console.log(server.url); // http://127.0.0.1:8080
 */
export async function serveConclave(options: ServeConclaveOptions): Promise<ConclaveServer> {
  refuseUnknownOptions(options, OPTIONS, 'A server');
  const { address = '127.0.0.1', port, metricsPort, certificates, ...strictness } = options;
  const { strictPort = true, strictMetricsPort = strictPort, ...rest } = strictness;
  const member = resolveAppOptions({ readsNeedToken: !isLoopback(address), ...rest });
  const wanted = checkedPort('port', port ?? PORT_DEFAULT);
  const wantedMetrics = checkedPort('metricsPort', metricsPort ?? METRICS_PORT_DEFAULT);
  const isShared = member.metrics !== null && wanted === wantedMetrics && wanted !== 0;
  const { clock } = member;
  const where = {
    address,
    clock,
    ...(certificates !== undefined && { certificates }),
  };
  const service = await listen(appOf(isShared ? member : { ...member, metrics: null }), {
    ...where,
    port: wanted,
    others: strictPort ? 0 : OTHER_PORTS_MAX,
  });
  if (isShared || member.metrics === null) return new Server(member, service, isShared ? service : null);
  try {
    const others = strictMetricsPort ? 0 : OTHER_PORTS_MAX;
    const at = { ...where, port: wantedMetrics, others };
    return new Server(member, service, await listen(metricsAppOf(member), at));
  } catch (error) {
    await service.close();
    throw error;
  }
}

class Server implements ConclaveServer {
  readonly url: string;
  readonly port: number;
  readonly metricsUrl: string | null;
  readonly lifecycle: Lifecycle;
  readonly #listening: readonly Listening[];

  constructor({ lifecycle }: ServedMember, service: Listening, metrics: Listening | null) {
    this.url = service.url;
    this.port = service.port;
    this.metricsUrl = metrics === null ? null : `${metrics.url}/metrics`;
    this.lifecycle = lifecycle;
    this.#listening = metrics === null || metrics === service ? [service] : [service, metrics];
  }

  async drain(withinMs: number): Promise<number> {
    this.lifecycle.drain();
    const left = await Promise.all(this.#listening.map((each) => each.drain(withinMs)));
    return left.reduce((sum, each) => sum + each, 0);
  }

  async close(): Promise<void> {
    this.lifecycle.drain();
    await Promise.all(this.#listening.map((each) => each.close()));
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }
}

/** Whether only this host can connect. */
export function isLoopback(address: string): boolean {
  if (address === 'localhost' || address === '::1') return true;
  return isIP(address) === 4 && address.startsWith('127.');
}

function checkedPort(name: string, port: number): number {
  if (Number.isInteger(port) && port >= 0 && port <= 65_535) return port;
  throw new SettingsError(
    'SETTINGS_INVALID',
    `${name} is ${JSON.stringify(port)}, but must be a whole number from 0 to 65535.`,
  );
}
