import type { IncomingMessage } from 'node:http';
import { type Context, Hono } from 'hono';
import { type ConclaveAppOptions, resolveAppOptions, type ServedMember } from './app-options.ts';
import { configRoutes } from './config-routes.ts';
import { EventStreams } from './event-streams.ts';
import { authorize, refuseForeign, sealed } from './guards.ts';
import { healthRoutes } from './health-routes.ts';
import { leaderRoutes } from './leader-routes.ts';
import { INTERNAL, problemOf, problemResponse, refusal } from './problem.ts';
import { recordRoutes } from './record-routes.ts';
import type { Route } from './routes.ts';

/**
 * The application: everything that is served, without sockets. What it guarantees: each request is answered, with what
 * its route answers or with a problem that tells no secret; nothing is changed for anybody who shows no token for it, or
 * who comes from a foreign page; no request holds more than its share of memory.
 */

/** Every route there is for these parts of a member. */
export function routesOf(member: ServedMember): readonly Route[] {
  const streams = new EventStreams(member);
  const { metrics } = member;
  return [
    ...healthRoutes(member),
    ...leaderRoutes(member),
    ...recordRoutes(member, streams),
    ...configRoutes(member, streams),
    ...(metrics === null ? [] : [metricsRoute(member)]),
  ];
}

/**
 * Makes the application: serve it by `serveConclave`, or mount it into a server of yours. `app.fetch` takes a Request
 * and gives a Response; `conclaveListener(app)` is for servers of Node.
 *
 * @throws SettingsError if an option is unknown or impossible
 *
 * @example
 * const app = new Hono();
 * app.route('/conclave', conclaveApp({ election, config, tokens: [{ token, scopes: ['reload'] }] }));
 */
export function conclaveApp(options: ConclaveAppOptions): Hono {
  return appOf(resolveAppOptions(options));
}

export function appOf(member: ServedMember, routes = routesOf(member)): Hono {
  const app = new Hono();
  for (const route of routes)
    app.on(route.method, route.path, (context) =>
      answered(context, member, () => served(context, member, route)),
    );
  for (const [path, these] of Map.groupBy(routes, ({ path: each }) => each))
    app.all(path, (context) => answered(context, member, () => otherMethod(context, member, these)));
  if (member.pages !== null) app.route('/', member.pages);
  app.notFound((context) => answered(context, member, () => Promise.reject(unknownPath())));
  return app;
}

/** Whatever happens, a response. */
async function answered(
  context: Context,
  { logger }: ServedMember,
  act: () => Promise<Response>,
): Promise<Response> {
  try {
    return sealed(await act());
  } catch (error) {
    const problem = problemOf(error);
    const { method, path } = context.req;
    if (problem === null && !isCutShort(context))
      logger.error({ error, method, path }, `A request failed: ${String(error)}`);
    return sealed(problemResponse(problem ?? INTERNAL));
  }
}

/** Whether the connection ended in the middle of the request: nobody's fault here, and nobody is there to be answered. */
function isCutShort({ env }: Context): boolean {
  const { incoming } = (env ?? {}) as { readonly incoming?: IncomingMessage };
  return incoming?.destroyed === true && !incoming.complete;
}

async function served(context: Context, member: ServedMember, route: Route): Promise<Response> {
  if (route.isProbe !== true) refuseForeign(context, member);
  const bearer = authorize(context, route.scope, member);
  return route.serve(context, bearer);
}

/** The path is there, the method is not. */
async function otherMethod(
  context: Context,
  member: ServedMember,
  routes: readonly Route[],
): Promise<Response> {
  if (routes.every(({ isProbe }) => isProbe !== true)) refuseForeign(context, member);
  const methods = routes.flatMap(({ method }) => (method === 'GET' ? ['GET', 'HEAD'] : [method]));
  const headers = { allow: [...methods, 'OPTIONS'].join(', ') };
  if (context.req.method === 'OPTIONS') return new Response(null, { status: 204, headers });
  throw refusal('METHOD_NOT_ALLOWED', `Here only ${headers.allow} can be asked for.`, { headers });
}

const unknownPath = () => refusal('NOT_FOUND', 'There is nothing at that path.');

/** What Prometheus and kubelets ask for, and nothing that tells more. */
export function metricsAppOf(member: ServedMember): Hono {
  const probes = healthRoutes(member).filter(({ isProbe }) => isProbe);
  return appOf({ ...member, pages: null }, [...probes, metricsRoute(member)]);
}

function metricsRoute({ metrics }: ServedMember): Route {
  return {
    method: 'GET',
    path: '/metrics',
    scope: null,
    isProbe: true,
    serve: async () =>
      new Response(await metrics?.text(), {
        headers: { 'content-type': metrics?.contentType ?? 'text/plain' },
      }),
  };
}
