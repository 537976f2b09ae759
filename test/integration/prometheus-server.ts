/** A real Prometheus: it scrapes what it is given, evaluates the rules that are shipped, and answers queries. */
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { root, temporaryDirectory } from '../project/repository.ts';
import { freePort } from '../redis/ports.ts';
import { until } from '../redis/until.ts';

export interface Sample {
  readonly metric: Readonly<Record<string, string>>;
  /** Seconds and value, one for a query, many for a range. */
  readonly values: readonly (readonly [number, number])[];
}

export interface RuleState {
  readonly name: string;
  readonly health: string;
  readonly state: 'inactive' | 'pending' | 'firing';
}

export class PrometheusServer implements AsyncDisposable {
  readonly #child: ChildProcess;
  readonly #url: string;
  readonly #directory: Disposable;

  private constructor(child: ChildProcess, url: string, directory: Disposable) {
    this.#child = child;
    this.#url = url;
    this.#directory = directory;
  }

  /** @param targets `host:port` of what is scraped */
  static async start(targets: readonly string[], scrapeEveryMs: number): Promise<PrometheusServer> {
    const directory = temporaryDirectory();
    const port = await freePort();
    const config = {
      global: { scrape_interval: `${scrapeEveryMs}ms`, evaluation_interval: '1s' },
      rule_files: [join(root, 'deploy/prometheus/alerts.yaml')],
      scrape_configs: [{ job_name: 'conclave', static_configs: [{ targets }] }],
    };
    const file = join(directory.path, 'prometheus.yml');
    // JSON is YAML, too.
    writeFileSync(file, JSON.stringify(config));
    const child = spawn(
      'prometheus',
      [
        `--config.file=${file}`,
        `--storage.tsdb.path=${join(directory.path, 'data')}`,
        `--web.listen-address=127.0.0.1:${port}`,
        '--query.lookback-delta=5s',
      ],
      { stdio: ['ignore', 'ignore', 'pipe'] },
    );
    let said = '';
    child.stderr?.on('data', (data: Buffer) => (said = (said + data.toString()).slice(-5000)));
    const url = `http://127.0.0.1:${port}`;
    const server = new PrometheusServer(child, url, directory);
    try {
      await until('Prometheus is ready', async () => {
        if (child.exitCode !== null) throw new Error(said);
        return (await fetch(`${url}/-/ready`)).ok;
      });
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw new Error(said, { cause: error });
    }
    return server;
  }

  /** @throws Error with what Prometheus says of a query that it does not understand */
  async query(query: string): Promise<readonly Sample[]> {
    const result = await this.#ask('query', { query });
    return result.map(({ metric, value: [at, value] = [0, ''] }) => ({
      metric,
      values: [[at, Number(value)] as const],
    }));
  }

  /** @param start Seconds since the epoch, as `end` */
  async range(query: string, start: number, end: number, stepSeconds: number): Promise<readonly Sample[]> {
    const bounds = { start: String(start), end: String(end), step: String(stepSeconds) };
    const result = await this.#ask('query_range', { query, ...bounds });
    return result.map(({ metric, values = [] }) => ({
      metric,
      values: values.map(([at, value]) => [at, Number(value)] as const),
    }));
  }

  async rules(): Promise<readonly RuleState[]> {
    const response = await fetch(`${this.#url}/api/v1/rules`);
    const { data } = (await response.json()) as { data: { groups: { rules: RuleState[] }[] } };
    return data.groups.flatMap(({ rules }) => rules);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#child.exitCode === null && this.#child.signalCode === null) {
      const ended = once(this.#child, 'exit');
      this.#child.kill('SIGKILL');
      await ended;
    }
    this.#directory[Symbol.dispose]();
  }

  async #ask(what: string, parameters: Record<string, string>): Promise<Found[]> {
    const body = new URLSearchParams(parameters);
    const response = await fetch(`${this.#url}/api/v1/${what}`, { method: 'POST', body });
    const answer = (await response.json()) as { status: string; error?: string; data: { result: Found[] } };
    if (answer.status !== 'success') throw new Error(`${parameters['query']}: ${answer.error}`);
    return answer.data.result;
  }
}

interface Found {
  readonly metric: Readonly<Record<string, string>>;
  readonly value?: readonly [number, string];
  readonly values?: readonly (readonly [number, string])[];
}
