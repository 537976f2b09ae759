import { ConfigError } from '../errors.ts';
import type { HeadCalls } from './head-calls.ts';
import { type HeadRecord, type HistoryRecord, move } from './head.ts';

/** Tries of a command whose head somebody else keeps moving. */
const COMMAND_TRIES_MAX = 5;

/**
 * Moves the head to the content of an earlier generation, as a new one, and answers with it. It is done under the claim
 * of the present leader: if another one claims meanwhile, it is tried again on that one's head.
 *
 * @throws ConfigError `CONFIG_NOT_FOUND`, `CONFIG_CONFLICT`
 */
export async function moveBack(
  calls: HeadCalls,
  to: number | undefined,
  { who, at }: { readonly who: string; readonly at: number },
): Promise<HeadRecord> {
  for (let tries = 1; tries <= COMMAND_TRIES_MAX; tries += 1) {
    const state = await calls.state();
    const { head, history } = state;
    const entry = history.find(({ generation, sha }) =>
      to === undefined ? sha !== head?.sha : generation === to,
    );
    if (head === null || entry === undefined) throw notFound(to, history);
    const why = `rolled back to generation ${entry.generation}`;
    const next = { sha: entry.sha, content: null, key: head.key, who, why, at };
    const change = move(state, BigInt(head.term), next);
    if (await calls.swap(change)) return JSON.parse(change.head) as HeadRecord;
  }
  throw new ConfigError(
    'CONFIG_CONFLICT',
    `Others moved the configuration ${COMMAND_TRIES_MAX} times meanwhile. Look at it, then try again.`,
  );
}

function notFound(to: number | undefined, history: readonly HistoryRecord[]): ConfigError {
  const known = history.map(({ generation }) => generation).join(', ');
  const wanted = to === undefined ? 'a generation with other content' : `generation ${to}`;
  return new ConfigError(
    'CONFIG_NOT_FOUND',
    `The history does not hold ${wanted}. Known: ${known === '' ? 'none' : known}.`,
  );
}
