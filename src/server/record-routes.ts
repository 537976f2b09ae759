import type { ServedMember } from './app-options.ts';
import type { EventStreams } from './event-streams.ts';
import { RecordFeed } from './record-feed.ts';
import { refusal } from './problem.ts';
import type { Route } from './routes.ts';

/** The records of the member as they are written: what the viewer follows. */
export function recordRoutes(
  { journal, election, config, clock }: ServedMember,
  streams: EventStreams,
): readonly Route[] {
  if (journal === null) return [];
  const origin = election?.candidateId ?? config?.memberId ?? `${process.pid}.${clock.wallMs()}`;
  const feed = new RecordFeed(journal, clock, origin);
  return [
    {
      method: 'GET',
      path: '/events',
      scope: 'read',
      serve: (context) => {
        const lastId = context.req.header('last-event-id') ?? null;
        const from = context.req.query('from');
        if (from !== undefined && from !== 'now') throw refusal('MALFORMED', '"from" must be "now".');
        return streams.answer(context, (signal) => feed.after(lastId, signal, { fromNow: from === 'now' }));
      },
    },
  ];
}
