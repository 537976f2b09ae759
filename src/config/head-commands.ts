import { ConfigError } from '../errors.ts';
import { type ConfigContent, encodeContent } from './content.ts';
import type { HeadCalls } from './head-calls.ts';
import { type HeadRecord, type HeadState, type HistoryRecord, move } from './head.ts';
import type { HeadSwap } from './head-store.ts';

/**
 * What any member may ask of the head: to go back, or to go on to given bytes. It is done under the claim of the present
 * leader and compares the whole head: if anybody moves or claims it meanwhile, it is decided anew on what is there then.
 */

/** Tries of a command whose head somebody else keeps moving. */
const COMMAND_TRIES_MAX = 5;

/** Who asks, and when, in milliseconds since the epoch. */
export interface Asked {
  readonly who: string;
  readonly at: number;
}

/** What a caller takes the head for. */
export interface ExpectedHead {
  readonly generation: number;
  /** Its hash, or the beginning of it; left out, only the generation counts. */
  readonly sha?: string;
}

/**
 * Moves the head to the content of an earlier generation, as a new one, and answers with it.
 *
 * @throws ConfigError `CONFIG_NOT_FOUND`, `CONFIG_CONFLICT`
 */
export async function moveBack(calls: HeadCalls, to: number | undefined, asked: Asked): Promise<HeadRecord> {
  const { head } = await commanded(calls, (state) => {
    const { head: present, history } = state;
    const entry = history.find(({ generation, sha }) =>
      to === undefined ? sha !== present?.sha : generation === to,
    );
    if (present === null || entry === undefined) throw notFound(to, history);
    const why = `rolled back to generation ${entry.generation}`;
    return move(state, BigInt(present.term), {
      sha: entry.sha,
      content: null,
      key: present.key,
      why,
      ...asked,
    });
  });
  return head;
}

/**
 * Moves the head to these bytes, as a new generation; nothing moves if they are what it asks for already.
 *
 * @throws ConfigError `CONFIG_CONFLICT` if the head is not what the caller takes it for, or there is none
 */
export function moveOn(
  calls: HeadCalls,
  content: ConfigContent,
  { expected, why, ...asked }: Asked & { readonly expected: ExpectedHead | undefined; readonly why: string },
): Promise<{ readonly head: HeadRecord; readonly moved: boolean }> {
  const text = encodeContent(content);
  return commanded(calls, (state) => {
    const { head } = state;
    if (head === null)
      throw new ConfigError(
        'CONFIG_CONFLICT',
        'Nothing is shared yet: the leader begins with what members run, or with its file. Try again in some seconds.',
      );
    if (expected !== undefined && !isExpected(head, expected))
      throw new ConfigError(
        'CONFIG_CONFLICT',
        `The configuration is generation ${head.generation} (${head.sha.slice(0, 12)}), not ${expected.generation}${expected.sha === undefined ? '' : ` (${expected.sha.slice(0, 12)})`} as expected. Look at it, then try again.`,
      );
    if (head.sha === content.sha) return head;
    const { sha } = content;
    return move(state, BigInt(head.term), { sha, content: text, key: head.key, why, ...asked });
  });
}

function isExpected(head: HeadRecord, { generation, sha = '' }: ExpectedHead): boolean {
  return head.generation === generation && head.sha.startsWith(sha);
}

async function commanded(
  calls: HeadCalls,
  decide: (state: HeadState) => HeadSwap | HeadRecord,
): Promise<{ readonly head: HeadRecord; readonly moved: boolean }> {
  for (let tries = 1; tries <= COMMAND_TRIES_MAX; tries += 1) {
    const change = decide(await calls.state());
    if (!('before' in change)) return { head: change, moved: false };
    if (await swapped(calls, change)) return { head: JSON.parse(change.head) as HeadRecord, moved: true };
  }
  throw new ConfigError(
    'CONFIG_CONFLICT',
    `Others moved the configuration ${COMMAND_TRIES_MAX} times meanwhile. Look at it, then try again.`,
  );
}

/** A swap whose answer was lost has happened if the head is what it would have made of it. */
async function swapped(calls: HeadCalls, change: HeadSwap): Promise<boolean> {
  try {
    return await calls.swap(change);
  } catch (error) {
    const now = await calls.head().catch(() => null);
    if (now === change.head) return true;
    throw error;
  }
}

function notFound(to: number | undefined, history: readonly HistoryRecord[]): ConfigError {
  const known = history.map(({ generation }) => generation).join(', ');
  const wanted = to === undefined ? 'a generation with other content' : `generation ${to}`;
  return new ConfigError(
    'CONFIG_NOT_FOUND',
    `The history does not hold ${wanted}. Known: ${known === '' ? 'none' : known}.`,
  );
}
