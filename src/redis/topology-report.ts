import { ConclaveError } from '../errors.ts';
import type { RedisClient } from './client.ts';
import { explainClosed, explainConnectionError } from './topology-errors.ts';
import type { RedisSettings } from './settings-shape.ts';
import type { Backoff } from './topology-backoff.ts';

/** Turns what happens to a client's connections into errors that people can do something about. */
export class ConnectionReporter {
  readonly #settings: RedisSettings;
  readonly #backoff: Backoff;
  readonly #onError: (error: ConclaveError) => void;
  #sentinelError: unknown = null;

  constructor(settings: RedisSettings, backoff: Backoff, onError: (error: ConclaveError) => void) {
    this.#settings = settings;
    this.#backoff = backoff;
    this.#onError = onError;
  }

  tell(error: unknown): void {
    this.#onError(error instanceof ConclaveError ? error : explainConnectionError(this.#settings, error));
  }

  /** A connection to one server. */
  watchServer(client: RedisClient): void {
    // One error for each attempt: the others follow from it.
    let told = false;
    let stood = false;
    client.on('connecting', () => {
      told = false;
      stood = false;
    });
    client.on('ready', () => {
      told = false;
      stood = true;
      this.#backoff.ready();
    });
    client.on('sentinelError', (error) => {
      this.#sentinelError = error;
    });
    client.on('error', (error) => {
      const isSummary = error instanceof Error && error.message.startsWith('All sentinels are unreachable');
      if (isSummary) this.tell(this.#sentinelError ?? error);
      else if (!told) this.tell(error);
      told = true;
      // ioredis would go on in database 0, where nobody else competes.
      if (commandOf(error) === 'select') client.disconnect(true);
    });
    // Comes after a close unless it was asked for.
    client.on('reconnecting', () => {
      if (!told && !stood) this.#onError(explainClosed(this.#settings));
    });
  }

  /** The nodes of a cluster, whose errors the cluster passes on. */
  watchCluster(cluster: RedisClient): void {
    cluster.on('ready', () => this.#backoff.ready());
    // It says no more than that the last error, which was told already, was that of the last node.
    cluster.on('error', () => {});
    cluster.on('node error', (error) => this.tell(error));
  }
}

function commandOf(error: unknown): string | null {
  const command = (error as { readonly command?: { readonly name?: unknown } } | null)?.command;
  return typeof command?.name === 'string' ? command.name : null;
}
