/**
 * What is asked of a schema: Standard Schema (https://standardschema.dev), and of its JSON Schema, where the library
 * gives one, as much as tells which keys there are and which of them are lists.
 */

/** Any Standard Schema: zod, valibot, arktype and others. What it makes of the values is the configuration. */
export interface ConfigSchema<T> {
  readonly '~standard': {
    readonly version: 1;
    readonly vendor: string;
    readonly validate: (value: unknown) => SchemaResult<T> | Promise<SchemaResult<T>>;
    readonly types?: { readonly input: unknown; readonly output: T } | undefined;
    readonly jsonSchema?: { readonly input: (options: { readonly target: string }) => unknown } | undefined;
  };
}

export type SchemaResult<T> =
  { readonly value: T; readonly issues?: undefined } | { readonly issues: readonly SchemaIssue[] };

export interface SchemaIssue {
  readonly message: string;
  readonly path?: readonly (PropertyKey | { readonly key: PropertyKey })[] | undefined;
}

/** A place in a JSON Schema. */
export interface Shape {
  /** What may stand here. */
  readonly takesObject: boolean;
  readonly takesList: boolean;
  /** The keys that have a name; null if nothing is known of the keys, or any is taken. */
  readonly keys: readonly string[] | null;
  /** What is known of what stands under a key or an index. */
  at(segment: string | number): Shape | null;
}

/** The shape of what a schema takes; null if it does not tell. */
export function shapeOf(schema: ConfigSchema<unknown>): Shape | null {
  try {
    const root = schema['~standard'].jsonSchema?.input({ target: 'draft-2020-12' });
    return isRecord(root) ? shapeAt(root, root, 0) : null;
  } catch {
    // Not every schema can be told as JSON Schema. Then there are fewer hints, that is all.
    return null;
  }
}

/** References that lead to references further than this are given up. */
const REFERENCES_FOLLOWED_MAX = 32;

function shapeAt(given: unknown, root: Record<string, unknown>, followed: number): Shape | null {
  if (!isRecord(given)) return null;
  const reference = given['$ref'];
  if (typeof reference === 'string') {
    const target = followed < REFERENCES_FOLLOWED_MAX ? referred(reference, root) : null;
    return target === null ? null : shapeAt(target, root, followed + 1);
  }
  const choices = [given['anyOf'], given['oneOf']].find(Array.isArray) as readonly unknown[] | undefined;
  if (choices !== undefined) return choiceOf(choices.map((choice) => shapeAt(choice, root, followed + 1)));
  if (given['allOf'] !== undefined) return null;
  const { type, properties } = given;
  const named = isRecord(properties) ? properties : {};
  const more = given['additionalProperties'];
  const isClosed = isRecord(properties) && (more === undefined || more === false);
  return {
    takesObject: takes(type, 'object'),
    takesList: takes(type, 'array'),
    keys: isClosed && given['patternProperties'] === undefined ? Object.keys(named) : null,
    at: (segment) =>
      typeof segment === 'number'
        ? shapeAt(given['items'], root, 0)
        : shapeAt(Object.hasOwn(named, segment) ? named[segment] : more, root, 0),
  };
}

function takes(type: unknown, name: string): boolean {
  return type === undefined || type === name || (Array.isArray(type) && type.includes(name));
}

/** Of several choices only that is known which they have in common; the keys of all of them are known. */
function choiceOf(choices: readonly (Shape | null)[]): Shape | null {
  const known = choices.filter((choice) => choice !== null);
  if (known.length < choices.length) return null;
  const objects = known.filter(({ takesObject }) => takesObject);
  return {
    takesObject: objects.length > 0,
    takesList: known.some(({ takesList }) => takesList),
    keys: objects.every(({ keys }) => keys !== null)
      ? [...new Set(objects.flatMap(({ keys }) => keys ?? []))]
      : null,
    at: (segment) => {
      const inside = known.map((choice) => choice.at(segment)).filter((shape) => shape !== null);
      return inside.length === 1 ? (inside[0] ?? null) : null;
    },
  };
}

function referred(reference: string, root: Record<string, unknown>): unknown {
  if (!reference.startsWith('#')) return null;
  let target: unknown = root;
  for (const part of reference.slice(1).split('/').slice(1)) {
    const key = decodeURIComponent(part).replaceAll('~1', '/').replaceAll('~0', '~');
    target = isRecord(target) && Object.hasOwn(target, key) ? target[key] : null;
  }
  return target;
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
