import type { Context } from 'hono';
import { exceptionOf } from '../observability/health.ts';
import type { ServedConfig, ServedMember } from './app-options.ts';
import { generationIn } from './body.ts';
import { configCommands } from './config-commands.ts';
import { ConfigFeed } from './config-feed.ts';
import { etagOf, isKnown } from './etag.ts';
import type { EventStreams } from './event-streams.ts';
import { problemOf, refusal } from './problem.ts';
import { json, type Route } from './routes.ts';

/** The configuration: what is in force, what was, how all members stand. Nothing here changes anything. */

export function configRoutes(member: ServedMember, streams: EventStreams): readonly Route[] {
  const { config, clock } = member;
  if (config === null) return [];
  const feed = new ConfigFeed(config.events$, config.memberId, () => clock.wallMs());
  const read = { method: 'GET', scope: 'read' } as const;
  return [
    { ...read, path: '/v1/config', serve: (context) => present(context, config) },
    {
      ...read,
      path: '/v1/config/status',
      serve: () => standing(config),
    },
    { ...read, path: '/v1/config/history', serve: async () => json({ history: await config.history() }) },
    { ...read, path: '/v1/config/diff', serve: (context) => difference(context, config) },
    {
      ...read,
      path: '/v1/config/events',
      serve: (context) => {
        const lastId = context.req.header('last-event-id') ?? null;
        return streams.answer(context, (signal) => feed.after(lastId, signal));
      },
    },
    ...configCommands(config, clock),
  ];
}

/** While the store cannot be asked, a member tells how it stands itself. */
async function standing(config: ServedConfig): Promise<Response> {
  try {
    const members = await config.members();
    return json({ member: config.status(), members });
  } catch (error) {
    if (problemOf(error)?.status !== 503) throw error;
    return json({ member: config.status(), members: null, exception: exceptionOf(error) });
  }
}

function present(context: Context, config: ServedConfig): Response {
  const shown = config.shown();
  if (shown === null) throw notReady();
  const headers = { etag: etagOf(shown) };
  if (isKnown(context, shown)) return new Response(null, { status: 304, headers });
  const { generation, sha, value } = shown;
  return json({ generation, sha, config: value }, 200, headers);
}

async function difference(context: Context, config: ServedConfig): Promise<Response> {
  const from = generationIn(context, 'from');
  const to = generationIn(context, 'to');
  const diff = await config.diff({ ...(from !== undefined && { from }), ...(to !== undefined && { to }) });
  if (diff.kind === 'refused')
    throw refusal('CONFIG_REFUSED', 'One of the two cannot be read, so that what differs cannot be told.', {
      more: { diagnostics: diff.diagnostics },
    });
  const { differences, omitted } = diff;
  return json({ from: from ?? null, to: to ?? null, differences, omitted });
}

const notReady = () =>
  refusal('CONFIG_NOT_READY', 'No configuration is in force yet.', { headers: { 'retry-after': '2' } });
