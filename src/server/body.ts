import type { Context } from 'hono';
import type { FormatName } from '../config/formats/config-format.ts';
import { nearest } from '../suggest.ts';
import { refusal } from './problem.ts';

/** What requests carry, and no more of it than is good. */

/** Longest body, in bytes. */
export const BODY_BYTES_MAX = 1024 * 1024;

/** The body as text. */
export async function textOf({ req }: Context): Promise<string> {
  const encoding = req.header('content-encoding')?.trim().toLowerCase() ?? 'identity';
  if (encoding !== 'identity')
    throw refusal('MEDIA_TYPE', 'Bodies are read as they are: send it without a Content-Encoding.');
  if (Number(req.header('content-length') ?? 0) > BODY_BYTES_MAX) throw tooLarge();
  const chunks: Uint8Array[] = [];
  let size = 0;
  const body: AsyncIterable<Uint8Array> | null = req.raw.body;
  for await (const chunk of body ?? []) {
    size += chunk.length;
    // Leaving the loop gives up the rest.
    if (size > BODY_BYTES_MAX) throw tooLarge();
    chunks.push(chunk);
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(Buffer.concat(chunks));
  } catch {
    throw refusal('MALFORMED', 'The body is not text in UTF-8.');
  }
}

const tooLarge = () =>
  refusal('BODY_TOO_LARGE', `The body is longer than ${BODY_BYTES_MAX} bytes.`, {
    headers: { connection: 'close' },
  });

export type FieldKind = 'boolean' | 'generation';

type Fields<F extends Readonly<Record<string, FieldKind>>> = {
  readonly [K in keyof F]?: F[K] extends 'boolean' ? boolean : number;
};

const KINDS: Readonly<
  Record<FieldKind, { readonly is: (value: unknown) => boolean; readonly says: string }>
> = {
  boolean: { is: (value) => typeof value === 'boolean', says: 'true or false' },
  generation: {
    is: (value) => Number.isSafeInteger(value) && Number(value) > 0,
    says: 'the number of a generation',
  },
};

/** The fields of a command. No body is one without fields. */
export async function fieldsOf<const F extends Readonly<Record<string, FieldKind>>>(
  context: Context,
  known: F,
): Promise<Fields<F>> {
  const text = await textOf(context);
  if (text.trim() === '') return {};
  if (mediaType(context) !== 'application/json')
    throw refusal('MEDIA_TYPE', 'Commands are JSON: send Content-Type: application/json.');
  const value = parsed(text);
  if (typeof value !== 'object' || value === null || Array.isArray(value))
    throw refusal('MALFORMED', 'The body must be a JSON object.');
  const names = Object.keys(known);
  for (const [name, each] of Object.entries(value)) {
    const kind = names.includes(name) ? KINDS[known[name] as FieldKind] : undefined;
    if (kind === undefined) throw unknownField(name, names);
    if (!kind.is(each)) throw refusal('MALFORMED', `"${name}" must be ${kind.says}.`);
  }
  return value;
}

function parsed(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    // What the parser says repeats the text.
    throw refusal('MALFORMED', 'The body is not JSON.');
  }
}

function unknownField(name: string, known: readonly string[]) {
  const near = nearest(name.slice(0, 100), known);
  const hint = near === null ? '' : ` Did you mean "${near}"?`;
  const all = known.length === 0 ? 'none' : known.join(', ');
  return refusal('MALFORMED', `The body has a field that is not known.${hint} Known: ${all}.`);
}

/** The type without its parameters, in lower case; null if none is given. */
export function mediaType({ req }: Context): string | null {
  const type = req.header('content-type')?.split(';')[0]?.trim().toLowerCase();
  return type === undefined || type === '' ? null : type;
}

/** Types of a configuration; null: that of the one in force. */
const FORMATS: Readonly<Record<string, FormatName | null>> = {
  'application/json': 'json',
  'application/yaml': 'yaml',
  'application/x-yaml': 'yaml',
  'text/yaml': 'yaml',
  'application/toml': 'toml',
  'application/hcl': 'hcl',
  'text/hcl': 'hcl',
  'text/plain': null,
  'application/octet-stream': null,
};

/** In which format a configuration comes; null: in that of the one in force. */
export function formatOf(context: Context): FormatName | null {
  const type = mediaType(context);
  if (type === null) return null;
  if (Object.hasOwn(FORMATS, type)) return FORMATS[type] ?? null;
  throw refusal(
    'MEDIA_TYPE',
    `A configuration is one of ${Object.keys(FORMATS).join(', ')}; text/plain is in the format of the one in force.`,
    { headers: { accept: Object.keys(FORMATS).join(', ') } },
  );
}

/** Parameters of the query that are generations. */
export function generationIn({ req }: Context, name: string): number | undefined {
  const text = req.query(name);
  if (text === undefined) return undefined;
  if (/^[1-9]\d{0,14}$/.test(text)) return Number(text);
  throw refusal('MALFORMED', `"${name}" must be ${KINDS.generation.says}.`);
}
