/** What the HTTP tests ask, and of whom. */
import type { Hono } from 'hono';
import { StoreUnavailableError } from '../../src/errors.ts';
import type { LeaseStore } from '../../src/index.ts';

export const TOKENS = {
  read: 'reader-0123456789abcdef',
  reload: 'reloader-0123456789abcdef',
  write: 'writer-0123456789abcdef',
  admin: 'admin-0123456789abcdef',
} as const;

export const tokens = Object.entries(TOKENS).map(([scope, token]) => ({
  token,
  name: scope,
  scopes: [scope as keyof typeof TOKENS],
}));

export const as = (scope: keyof typeof TOKENS): Record<string, string> => ({
  authorization: `Bearer ${TOKENS[scope]}`,
});

export interface Answer {
  readonly status: number;
  readonly headers: Headers;
  readonly text: string;
  /** The body, where it is JSON. */
  readonly body: Record<string, unknown>;
}

export async function ask(app: Hono, path: string, init: RequestInit = {}): Promise<Answer> {
  const response = await app.request(path, init);
  const text = await response.text();
  const isJson = text !== '' && response.headers.get('content-type')?.endsWith('json') === true;
  const body = isJson ? (JSON.parse(text) as Record<string, unknown>) : {};
  return { status: response.status, headers: response.headers, text, body };
}

export const post = (value: unknown, headers: Record<string, string> = {}): RequestInit => ({
  method: 'POST',
  body: JSON.stringify(value),
  headers: { 'content-type': 'application/json', ...headers },
});

/** A lease store that can be switched off: it refuses, or answers nothing at all. */
export class FailingLeases implements LeaseStore {
  isDown: false | 'refuses' | 'hangs' = false;
  /** How often it was asked for the lease as it stands. */
  reads = 0;
  readonly #leases: LeaseStore;

  constructor(leases: LeaseStore) {
    this.#leases = leases;
  }

  readonly acquire: LeaseStore['acquire'] = async (...asked) => (await this.#up()).acquire(...asked);
  readonly renew: LeaseStore['renew'] = async (...asked) => (await this.#up()).renew(...asked);
  readonly release: LeaseStore['release'] = async (...asked) => (await this.#up()).release(...asked);
  readonly read: LeaseStore['read'] = async (...asked) => {
    this.reads += 1;
    return (await this.#up()).read(...asked);
  };
  watch(resource: string): ReturnType<LeaseStore['watch']> {
    return this.#leases.watch(resource);
  }
  describe(): ReturnType<LeaseStore['describe']> {
    return this.#leases.describe();
  }
  async close(): Promise<void> {}
  async [Symbol.asyncDispose](): Promise<void> {}

  async #up(): Promise<LeaseStore> {
    if (this.isDown === false) return this.#leases;
    if (this.isDown === 'hangs') return new Promise(() => {});
    throw new StoreUnavailableError('STORE_UNAVAILABLE', 'The store is gone.', { outcomeUnknown: false });
  }
}
