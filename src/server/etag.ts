import type { Context } from 'hono';
import type { ExpectedHead } from '../config/head-commands.ts';
import { refusal } from './problem.ts';

/** What is wanted is another one than the client has seen. */
export const changed = (detail = 'The configuration is another one than If-Match says.') =>
  refusal('CONFIG_CHANGED', `${detail} Get it anew, make your change to that, then try again.`);

/** Which configuration a client has seen: `"<generation>-<sha12>"`. */

interface Revision {
  readonly generation: number;
  readonly sha: string;
}

export const etagOf = ({ generation, sha }: Revision): string => `"${generation}-${sha.slice(0, 12)}"`;

/** The tags of an `If-Match` or `If-None-Match`, or `*`; null if it is neither. */
function tagsIn(header: string): readonly string[] | '*' | null {
  if (header.trim() === '*') return '*';
  const tags = header.split(',').map((tag) => tag.trim());
  return tags.every((tag) => /^(?:W\/)?"[\x21\x23-\x7e]*"$/.test(tag)) ? tags : null;
}

/** Whether the client has this one already. */
export function isKnown({ req }: Context, revision: Revision): boolean {
  const tags = tagsIn(req.header('if-none-match') ?? '""');
  if (tags === null || tags === '*') return tags === '*';
  return tags.some((tag) => tag.replace(/^W\//, '') === etagOf(revision));
}

/**
 * What a change may replace, as the client says, or undefined for anything: nobody's change is lost because two made one
 * at the same time.
 *
 * @param present what is wanted as far as this member knows; of several tags the one that names it counts
 */
export function expectedBy({ req }: Context, present: Revision | null): ExpectedHead | undefined {
  const header = req.header('if-match');
  if (header === undefined)
    throw refusal(
      'PRECONDITION_REQUIRED',
      'Say which configuration this replaces: send If-Match with the ETag of GET /v1/config, or If-Match: *.',
    );
  const tags = tagsIn(header);
  if (tags === null) throw refusal('MALFORMED', 'If-Match must be an ETag, several, or *.');
  if (tags === '*') return undefined;
  const tag = tags.find((each) => present !== null && each === etagOf(present)) ?? tags[0] ?? '';
  const [, generation, sha] = /^"([1-9]\d{0,14})-([0-9a-f]{12})"$/.exec(tag) ?? [];
  // One that is none of ours, or a weak one, matches nothing.
  if (generation === undefined || sha === undefined) throw changed();
  return { generation: Number(generation), sha };
}
