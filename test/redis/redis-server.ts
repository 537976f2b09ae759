/** A Redis of a test's own: on a free port, in a directory of its own, gone when the test is. */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Certificates } from './certificates.ts';
import { guardedDirectory } from './guard.ts';
import { freePort } from './ports.ts';
import { redisCli, RedisProcess } from './redis-process.ts';

export interface RedisOptions {
  /** More arguments of redis-server: `['--maxmemory', '10mb']`. */
  readonly args?: readonly string[];
  /** Listens with TLS only. `clientCertificates` asks clients for theirs, too. */
  readonly tls?: { readonly certificates: Certificates; readonly clientCertificates?: boolean };
  /** Lines of an ACL file: `['user elector on >secret ~le:* &le:* +@all']`. The default user is switched off. */
  readonly acl?: readonly string[];
  /** Password of the default user, and of the primary that this one follows. */
  readonly password?: string;
  /** Follows another server from the start. */
  readonly replicaOf?: { readonly port: number };
  /** Keeps its files here, which then are the caller's to delete; otherwise in a temporary directory. */
  readonly dir?: string;
  /** Listens here; otherwise on a free port. */
  readonly port?: number;
  /** Added to the environment of the process. */
  readonly env?: Readonly<Record<string, string>>;
  /** Writes each change to disk before it answers (`appendfsync always`), so that a restart finds it. */
  readonly durable?: boolean;
}

/** Who the harness itself connects as where the default user may not. */
const OPERATOR = { user: 'operator', password: 'operator-of-tests' };

export class RedisServer implements AsyncDisposable {
  readonly host = '127.0.0.1';
  readonly port: number;
  readonly directory: string;
  readonly options: RedisOptions;
  readonly #owned: Disposable;
  #process: RedisProcess | null = null;

  private constructor(port: number, options: RedisOptions) {
    const temporary = options.dir === undefined ? guardedDirectory('redis') : null;
    this.#owned = temporary ?? { [Symbol.dispose]: () => {} };
    this.port = port;
    this.options = options;
    this.directory = temporary?.path ?? options.dir ?? '';
    if (options.acl)
      writeFileSync(
        join(this.directory, 'users.acl'),
        `${[...options.acl, ...operatorLines()].join('\n')}\n`,
      );
  }

  static async start(options: RedisOptions = {}): Promise<RedisServer> {
    const server = new RedisServer(options.port ?? (await freePort()), options);
    try {
      server.#process = await server.#launch();
    } catch (error) {
      await server[Symbol.asyncDispose]();
      throw error;
    }
    return server;
  }

  /** What a client connects to, without credentials unless `password` was given. */
  get url(): string {
    return this.urlFor(this.options.password === undefined ? {} : { password: this.options.password });
  }

  urlFor({ user = '', password = '' }: { readonly user?: string; readonly password?: string }): string {
    const credentials = password === '' ? '' : `${user}:${password}@`;
    return `redis${this.options.tls ? 's' : ''}://${credentials}${this.host}:${this.port}`;
  }

  get pid(): number {
    return this.#running.pid;
  }

  get log(): string {
    return this.#running.log;
  }

  /** Ends it by a signal and waits for the end. What it had not written to disk is lost. */
  async kill(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    await this.#running.signal(signal);
  }

  /** Stops it dead: connections stay open, nothing is answered. */
  async freeze(): Promise<void> {
    await this.#running.signal('SIGSTOP');
  }

  async thaw(): Promise<void> {
    await this.#running.signal('SIGCONT');
  }

  /** Kills it if it still runs and starts it again on the same port, with what is on disk or with nothing. */
  async restart({ empty = false } = {}): Promise<void> {
    await this.#running[Symbol.asyncDispose]();
    if (empty)
      for (const file of ['dump.rdb', 'appendonlydir'])
        rmSync(join(this.directory, file), { recursive: true, force: true });
    this.#process = await this.#launch();
  }

  /** Runs one command by `redis-cli`, with every right; throws what the server refuses. */
  async cli(...command: readonly string[]): Promise<string> {
    return redisCli(this.cliOptions, command);
  }

  get cliOptions(): readonly string[] {
    const { tls, acl, password } = this.options;
    return [
      '-h',
      this.host,
      '-p',
      String(this.port),
      ...(tls ? ['--tls', '--cacert', tls.certificates.ca] : []),
      ...(tls ? ['--cert', tls.certificates.client.cert, '--key', tls.certificates.client.key] : []),
      ...(acl ? ['--user', OPERATOR.user, '--pass', OPERATOR.password] : []),
      ...(!acl && password !== undefined ? ['--pass', password] : []),
    ];
  }

  /** One field of INFO, or null. */
  async info(field: string): Promise<string | null> {
    const lines = (await this.cli('info', 'everything')).split(/\r?\n/);
    const found = lines.find((line) => line.startsWith(`${field}:`));
    return found === undefined ? null : found.slice(field.length + 1);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#process?.[Symbol.asyncDispose]();
    this.#owned[Symbol.dispose]();
  }

  get #running(): RedisProcess {
    if (this.#process === null) throw new Error('This redis-server was never started.');
    return this.#process;
  }

  #launch(): Promise<RedisProcess> {
    const { env = {} } = this.options;
    return RedisProcess.start(this.#args(), { cwd: this.directory, env }, /Ready to accept connections/);
  }

  #args(): readonly string[] {
    const { args = [], tls, acl, password, replicaOf, durable = false } = this.options;
    const { certificates } = tls ?? {};
    return [
      '--bind',
      this.host,
      '--dir',
      this.directory,
      '--save',
      '',
      ...(certificates
        ? ['--port', '0', '--tls-port', String(this.port), '--tls-ca-cert-file', certificates.ca]
        : ['--port', String(this.port)]),
      ...(certificates ? ['--tls-cert-file', certificates.server.cert] : []),
      ...(certificates ? ['--tls-key-file', certificates.server.key] : []),
      ...(certificates ? ['--tls-auth-clients', tls?.clientCertificates === true ? 'yes' : 'optional'] : []),
      ...(acl ? ['--aclfile', join(this.directory, 'users.acl')] : []),
      ...(password === undefined ? [] : ['--requirepass', password, '--masterauth', password]),
      ...(replicaOf ? ['--replicaof', this.host, String(replicaOf.port)] : []),
      // Replicas are to be there at once, not after the five seconds in which others may join.
      '--repl-diskless-sync-delay',
      '0',
      ...(durable ? ['--appendonly', 'yes', '--appendfsync', 'always'] : []),
      ...args,
    ];
  }
}

function operatorLines(): readonly string[] {
  return ['user default off', `user ${OPERATOR.user} on >${OPERATOR.password} ~* &* +@all`];
}

/**
 * Starts a server and waits until it accepts connections.
 *
 * @example
 * await using redis = await startRedis();
 * await redis.cli('set', 'a', '1');
 */
export const startRedis = (options: RedisOptions = {}): Promise<RedisServer> => RedisServer.start(options);
