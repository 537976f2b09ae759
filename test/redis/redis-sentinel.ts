/** A primary, its replicas and the sentinels that watch them. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { guardedDirectory } from './guard.ts';
import { freePort } from './ports.ts';
import { redisCli, RedisProcess } from './redis-process.ts';
import { type RedisServer, startRedis } from './redis-server.ts';
import { until } from './until.ts';

export interface SentinelOptions {
  readonly replicas?: number;
  readonly sentinels?: number;
  /** Of the data servers. */
  readonly password?: string;
  /** Of the sentinels themselves. */
  readonly sentinelPassword?: string;
  /** More arguments of each data server: `['--min-replicas-to-write', '1']`. */
  readonly args?: readonly string[];
  readonly downAfterMs?: number;
}

interface Sentinel {
  readonly port: number;
  readonly process: RedisProcess;
}

export class SentinelGroup implements AsyncDisposable {
  readonly name = 'conclave';
  readonly options: SentinelOptions;
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly Sentinel[];
  readonly #owned: AsyncDisposableStack;

  constructor(options: SentinelOptions, owned: AsyncDisposableStack, started: Started) {
    this.options = options;
    this.#owned = owned;
    this.servers = started.servers;
    this.sentinels = started.sentinels;
  }

  /** What a client connects to. */
  get url(): string {
    const { password = '', sentinelPassword } = this.options;
    const hosts = this.sentinels.map(({ port }) => `127.0.0.1:${port}`).join(',');
    const credentials = password === '' ? '' : `:${password}@`;
    const query = sentinelPassword === undefined ? '' : `?sentinel_password=${sentinelPassword}`;
    return `redis+sentinel://${credentials}${hosts}/${this.name}${query}`;
  }

  /** Runs a command on one of the sentinels. */
  cli(...command: readonly string[]): Promise<string> {
    return ask(this.sentinels[0]?.port ?? 0, this.options, command);
  }

  /** The data server that the sentinels take for the primary now. */
  async primary(): Promise<RedisServer> {
    const [, port] = (await this.cli('sentinel', 'get-master-addr-by-name', this.name)).split('\n');
    const found = this.servers.find((server) => String(server.port) === port);
    if (found === undefined)
      throw new Error(`The sentinels name port ${port}, which is none of this group's.`);
    return found;
  }

  async replicas(): Promise<readonly RedisServer[]> {
    const primary = await this.primary();
    return this.servers.filter((server) => server !== primary);
  }

  /** Has the sentinels move the primary by plan; resolves with the new one when all sentinels know it. */
  async failover(): Promise<RedisServer> {
    const before = await this.primary();
    await until('the sentinels agree to fail over', () => this.cli('sentinel', 'failover', this.name));
    return this.anotherThan(before);
  }

  /** Waits until every sentinel names another primary, and that one takes writes. */
  anotherThan(before: RedisServer): Promise<RedisServer> {
    return until('another server is the primary', async () => {
      const command = ['sentinel', 'get-master-addr-by-name', this.name];
      const named = await Promise.all(this.sentinels.map(({ port }) => ask(port, this.options, command)));
      if (new Set(named).size !== 1 || named[0]?.endsWith(`\n${before.port}`) === true) return null;
      const primary = await this.primary();
      return (await primary.info('role')) === 'master' ? primary : null;
    });
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.#owned.disposeAsync();
  }
}

interface Started {
  readonly servers: readonly RedisServer[];
  readonly sentinels: readonly Sentinel[];
}

/**
 * Starts a primary with replicas (two) and sentinels (three) and waits until all know each other.
 *
 * @example
 * await using group = await startSentinel({ password: 'secret' });
 * const primary = await group.failover();
 */
export async function startSentinel(options: SentinelOptions = {}): Promise<SentinelGroup> {
  await using starting = new AsyncDisposableStack();
  const { args = [], password } = options;
  const data = { args, ...(password !== undefined && { password }) };
  const primary = starting.use(await startRedis(data));
  const servers = [primary];
  for (let n = 0; n < (options.replicas ?? 2); n += 1)
    servers.push(starting.use(await startRedis({ ...data, replicaOf: primary })));
  await until('the replicas are connected', async () => {
    return (await primary.info('connected_slaves')) === String(servers.length - 1);
  });
  const directory = starting.use(guardedDirectory('sentinel'));
  const sentinels: Sentinel[] = [];
  for (let n = 0; n < (options.sentinels ?? 3); n += 1) {
    const port = await freePort();
    const file = join(directory.path, `sentinel-${n}.conf`);
    writeFileSync(file, sentinelFile(port, primary.port, options));
    const process = await RedisProcess.start(
      [file, '--sentinel'],
      { cwd: directory.path },
      /\+monitor master/,
    );
    sentinels.push({ port, process: starting.use(process) });
  }
  await until('the sentinels know each other and the replicas', () => allKnown(sentinels, servers, options));
  return new SentinelGroup(options, starting.move(), { servers, sentinels });
}

function sentinelFile(port: number, primaryPort: number, options: SentinelOptions): string {
  const { password, sentinelPassword, sentinels = 3, downAfterMs = 1000 } = options;
  return [
    `port ${port}`,
    'bind 127.0.0.1',
    `sentinel monitor conclave 127.0.0.1 ${primaryPort} ${Math.floor(sentinels / 2) + 1}`,
    `sentinel down-after-milliseconds conclave ${downAfterMs}`,
    'sentinel failover-timeout conclave 3000',
    ...(password === undefined ? [] : [`sentinel auth-pass conclave ${password}`]),
    ...(sentinelPassword === undefined
      ? []
      : [`requirepass ${sentinelPassword}`, `sentinel sentinel-pass ${sentinelPassword}`]),
    '',
  ].join('\n');
}

async function allKnown(
  sentinels: readonly Sentinel[],
  servers: readonly RedisServer[],
  options: SentinelOptions,
): Promise<boolean> {
  for (const { port } of sentinels) {
    const lines = (await ask(port, options, ['sentinel', 'master', 'conclave'])).split('\n');
    const field = (name: string) => lines[lines.indexOf(name) + 1];
    if (field('num-other-sentinels') !== String(sentinels.length - 1)) return false;
    if (field('num-slaves') !== String(servers.length - 1)) return false;
    if (field('flags') !== 'master') return false;
  }
  return true;
}

function ask(port: number, { sentinelPassword }: SentinelOptions, command: readonly string[]) {
  const password = sentinelPassword === undefined ? [] : ['--pass', sentinelPassword];
  return redisCli(['-h', '127.0.0.1', '-p', String(port), ...password], command);
}
