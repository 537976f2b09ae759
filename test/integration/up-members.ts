/** Members as `conclave up` runs them, in processes of their own, asked over HTTP and by their log. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { until } from '../redis/until.ts';
import { PATIENCE_MS, Running } from './conclave-program.ts';

export const TOKEN = 'a-token-for-tests-only';

export interface Answer<T> {
  readonly status: number;
  readonly body: T;
}

/** As much of `/health` as tests look at. */
export interface Health {
  readonly status: string;
  readonly results: {
    readonly leader_election: {
      readonly status: string;
      readonly exception?: string;
      readonly data: { readonly member: string; readonly is_leader: boolean; readonly leader: string | null };
    };
    readonly configuration?: { readonly status: string; readonly data: { readonly member: string } };
  };
}

export interface ReloadState {
  readonly what: string;
  readonly generation: number | null;
  readonly sha: string | null;
  readonly restart: readonly string[];
}

/** What `up --json` says first. */
interface Announced {
  readonly member: string;
  readonly http: { readonly service: string; readonly metrics: string };
}

export class UpMember implements AsyncDisposable {
  readonly name: string;
  readonly running: Running;
  readonly #announced: Announced;

  private constructor(name: string, running: Running, announced: Announced) {
    this.name = name;
    this.running = running;
    this.#announced = announced;
  }

  /** Starts one and waits until it has said where it listens. */
  static async start(
    name: string,
    cwd: string,
    args: readonly string[] = [],
    env: Readonly<Record<string, string>> = {},
  ): Promise<UpMember> {
    const all = ['up', '--json', '--id', name, ...args];
    const running = new Running(all, { cwd, env: { TEST_TOKEN: TOKEN, ...env } });
    try {
      const [line] = await running.says(/^\{"type":"up".*\}$/m);
      return new UpMember(name, running, JSON.parse(line) as Announced);
    } catch (error) {
      await running[Symbol.asyncDispose]();
      throw error;
    }
  }

  /** Starts some at once; none is left behind if one of them cannot. */
  static async startAll(starting: readonly Promise<UpMember>[]): Promise<UpMember[]> {
    const all = await Promise.allSettled(starting);
    const started = all.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    const failed = all.find((one) => one.status === 'rejected');
    if (failed === undefined) return started;
    for (const member of started) await member[Symbol.asyncDispose]();
    throw failed.reason;
  }

  get id(): string {
    return this.#announced.member;
  }

  get url(): string {
    return this.#announced.http.service;
  }

  get metricsUrl(): string {
    return this.#announced.http.metrics;
  }

  async ask<T>(path: string, init: RequestInit & { readonly token?: string } = {}): Promise<Answer<T>> {
    const { token = TOKEN, ...rest } = init;
    const response = await fetch(`${this.url}${path}`, {
      ...rest,
      headers: { 'content-type': 'application/json', authorization: `Bearer ${token}` },
      signal: AbortSignal.timeout(PATIENCE_MS),
    });
    return { status: response.status, body: (await response.json()) as T };
  }

  health(): Promise<Answer<Health>> {
    return this.ask('/health');
  }

  async isLeader(): Promise<boolean> {
    return (await this.health()).body.results.leader_election.data.is_leader;
  }

  async config(): Promise<ReloadState> {
    return (await this.ask<{ readonly member: ReloadState }>('/v1/config/status')).body.member;
  }

  until<T>(what: string, fact: (member: this) => Promise<T | false | null>): Promise<T> {
    return until(`${this.name}: ${what}`, () => fact(this), { withinMs: PATIENCE_MS, everyMs: 50 });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.running[Symbol.asyncDispose]();
  }
}

/** The settings that the tests of members share; the renewal interval stands in line 6. */
export function writeSettings(
  directory: string,
  {
    lease = 6,
    renew = 1,
    port = 0,
    more = '',
  }: { lease?: number; renew?: number | string; port?: number; more?: string },
): string {
  const path = join(directory, 'conclave.hcl');
  const lines = [
    'conclave {',
    '  high_availability {',
    '    leader_election {',
    '    resource_name = "orders"',
    `    lease_duration_seconds = ${lease}`,
    `    renewal_interval_seconds = ${renew}`,
    '    }',
    '  }',
    '  server {',
    `    port = ${port}`,
    '    metrics_port = 0',
    '    tokens = [{ token = env("TEST_TOKEN"), scopes = ["admin"] }]',
    '  }',
    more,
    '}',
  ];
  writeFileSync(path, `${lines.join('\n')}\n`);
  return path;
}
