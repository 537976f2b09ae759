import type { Context } from 'hono';
import type { Bearer, Scope } from './tokens.ts';

/** What is served where, for whom; `docs/http.md` lists the same. */
export interface Route {
  readonly method: 'GET' | 'POST' | 'PUT';
  readonly path: string;
  /** What a token must allow; null: for everybody. `read` is asked for only where others than this host can connect. */
  readonly scope: Scope | null;
  /** For kubelets, load balancers and Prometheus, which come by whatever name or address they know. */
  readonly isProbe?: true;
  serve(context: Context, bearer: Bearer | null): Response | Promise<Response>;
}

export const json = (
  value: unknown,
  status = 200,
  headers: Readonly<Record<string, string>> = {},
): Response =>
  new Response(`${JSON.stringify(value)}\n`, {
    status,
    headers: { ...headers, 'content-type': 'application/json' },
  });
