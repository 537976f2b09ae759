import { type ChangedKeys, DIAGNOSTICS_MAX } from '../../machines/config-reload.events.ts';
import { nearest } from '../suggest.ts';
import { type ConfigDiagnostic, type ConfigProblem, diagnosticAt } from './diagnostic.ts';
import { type Change, changesBetween } from './difference.ts';
import type { ConfigDocument } from './formats/config-document.ts';
import { type ConfigPath, follow, printable, type Reached, showPath, walk } from './formats/config-node.ts';
import { repeatedBlocks, shapeBlocks } from './validate-blocks.ts';
import { deepFrozen } from './validate-frozen.ts';
import type { KeyClasses } from './validate-key-classes.ts';
import {
  type ConfigSchema,
  type SchemaIssue,
  type SchemaResult,
  type Shape,
  shapeOf,
} from './validate-schema.ts';

/**
 * Decides whether a configuration that could be read may be applied. Guarantees: what is let through is what the
 * schema made of it, deeply frozen; keys declared immutable are as they were; what is told holds no secret, whatever
 * words the schema chose.
 */
export type Validation<T> =
  | {
      readonly ok: true;
      readonly value: T;
      /** The document as the schema sees it: single blocks are lists where it wants lists. */
      readonly document: ConfigDocument;
      readonly changed: ChangedKeys;
      readonly warnings: readonly ConfigDiagnostic[];
    }
  | {
      readonly ok: false;
      readonly diagnostics: readonly ConfigDiagnostic[];
      /** How many more there are. */
      readonly omitted: number;
    };

/** A configuration that was let through before. */
export interface Validated {
  readonly value: unknown;
  readonly document: ConfigDocument;
}

/**
 * Validates a document.
 *
 * @param classes which keys may change when; `new KeyClasses()` lets all of them change at once
 * @param previous what is in force; null for the first configuration, of which all keys are live
 *
 * @example
 * const validation = await validateConfig(reading.document, z.object({ port: z.number() }), new KeyClasses(), null);
 * if (validation.ok) listen(validation.value.port);
 */
export async function validateConfig<T>(
  document: ConfigDocument,
  schema: ConfigSchema<T>,
  classes: KeyClasses,
  previous: Validated | null,
): Promise<Validation<T>> {
  const shape = shapeOf(schema);
  const shaped = document.withRoot(shapeBlocks(document.root, shape));
  const reporter = new Reporter(shaped, shape);
  const repeated = repeatedBlocks(shaped.root, shape);
  for (const { path, blocks } of repeated) {
    const second = blocks[1] ?? shaped.root;
    const message = `This block is there ${blocks.length} times; there may be one.`;
    reporter.add('DUPLICATE_KEY', message, path, { node: second, key: null, depth: path.length });
  }
  const result = await validated(schema, shaped, reporter);
  if (result?.issues !== undefined) {
    for (const issue of result.issues)
      reporter.issue(
        issue,
        repeated.map(({ path }) => path),
      );
  }
  if (result === null || result.issues !== undefined || reporter.failed) return reporter.refusal();
  const value = deepFrozen(result.value);
  const changes = previous === null ? [] : changesBetween(previous.value, value);
  for (const { path } of changes) {
    if (classes.classOf(path) === 'immutable') reporter.immutable(path, changes);
  }
  if (reporter.failed) return reporter.refusal();
  reporter.warnOfUnknownKeys();
  const secrets = previous === null ? [shaped.secrets] : [previous.document.secrets, shaped.secrets];
  return {
    ok: true,
    value,
    document: shaped,
    changed: classes.changedKeys(changes, secrets),
    warnings: reporter.warnings(),
  };
}

async function validated<T>(
  schema: ConfigSchema<T>,
  document: ConfigDocument,
  reporter: Reporter,
): Promise<SchemaResult<T> | null> {
  try {
    return await schema['~standard'].validate(document.value);
  } catch (error) {
    const said =
      error instanceof Error
        ? document.secrets.scrub(printable(error.message).slice(0, MESSAGE_SHOWN_MAX), [])
        : null;
    reporter.add('SCHEMA', `The schema itself failed${said === null ? '' : `: ${said}`}.`, []);
    return null;
  }
}

const withheld =
  'This is not what the schema wants. Its message is not shown, because it may hold the secret.';

/** Longer messages of schemas are cut. */
const MESSAGE_SHOWN_MAX = 500;

class Reporter {
  readonly #document: ConfigDocument;
  readonly #shape: Shape | null;
  readonly #found: ConfigDiagnostic[] = [];
  /** Problems that were not looked at more closely. */
  #notTold = 0;

  constructor(document: ConfigDocument, shape: Shape | null) {
    this.#document = document;
    this.#shape = shape;
  }

  get failed(): boolean {
    return this.#found.some(({ severity }) => severity === 'error');
  }

  add(code: ConfigProblem, message: string, path: ConfigPath, at?: Reached, severity?: 'warning'): void {
    const { secrets } = this.#document;
    const tellable = secrets.tellablePath(path);
    const reached = at ?? follow(this.#document.root, tellable);
    const isMissing = reached.depth < tellable.length;
    const spot = (isMissing || code === 'UNKNOWN_KEY' ? reached.key : null) ?? reached.node;
    const diagnostic = diagnosticAt({
      stage: 'checking',
      code,
      message,
      source: spot.source,
      at: spot.at,
      path: secrets.shownPath(path),
      hidden: secrets.hiddenAt(spot.source, spot.at),
      ...(severity && { severity }),
    });
    this.#found.push(diagnostic);
  }

  /** One problem of the schema; none for what has been told better already. */
  issue(issue: SchemaIssue, told: readonly ConfigPath[]): void {
    const path = pathOf(issue);
    const unknown = 'keys' in issue && Array.isArray(issue.keys) ? issue.keys.map(String) : null;
    if (unknown !== null && 'code' in issue && issue.code === 'unrecognized_keys') {
      for (const key of unknown) this.#unknownKey([...path, key]);
      return;
    }
    if (told.some((each) => showPath(each) === showPath(path))) return;
    const reached = follow(this.#document.root, path);
    const known = path.length === 0 ? null : this.#keysAt(path.slice(0, -1));
    if (reached.depth === path.length && known !== null && !known.includes(String(path.at(-1)))) {
      this.#unknownKey(path);
      return;
    }
    // Whatever else there is would be cut off anyway.
    if (this.#found.length >= DIAGNOSTICS_MAX) {
      this.#notTold += 1;
      return;
    }
    const message = this.#document.secrets.scrub(printable(issue.message).slice(0, MESSAGE_SHOWN_MAX), path);
    const missing = reached.depth < path.length ? 'This key is missing: ' : '';
    this.add('SCHEMA', message === null ? withheld : missing + message, path);
  }

  immutable(path: ConfigPath, changes: readonly Change[]): void {
    const change = changes.find((each) => each.path === path)?.change ?? 'changed';
    this.add(
      'IMMUTABLE',
      `This key was ${change}, and it cannot change while the process runs. Restart it instead.`,
      path,
    );
  }

  /** Keys that the schema has no name for and passes over in silence: most of them are typing errors. */
  warnOfUnknownKeys(): void {
    if (this.#shape === null) return;
    walk(this.#document.root, (node, path) => {
      if (node.secret) return false;
      const known = node.kind === 'object' ? this.#keysAt(path) : null;
      if (node.kind !== 'object' || known === null) return true;
      for (const key of node.members.keys())
        if (!known.includes(key)) this.#unknownKey([...path, key], 'warning');
      return true;
    });
  }

  #unknownKey(path: ConfigPath, severity?: 'warning'): void {
    const near = nearest(String(path.at(-1)), this.#keysAt(path.slice(0, -1)) ?? []);
    const hint = near === null ? '' : ` Did you mean ${showPath([near])}?`;
    const effect =
      severity === 'warning' ? 'There is no such key; it has no effect.' : 'There is no such key.';
    this.add('UNKNOWN_KEY', effect + hint, path, undefined, severity);
  }

  #keysAt(path: ConfigPath): readonly string[] | null {
    let shape = this.#shape;
    for (const segment of path) shape = shape?.at(segment) ?? null;
    return shape?.keys ?? null;
  }

  refusal<T>(): Validation<T> {
    const errors = inOrder(this.#found.filter(({ severity }) => severity === 'error'));
    const omitted = Math.max(0, errors.length - DIAGNOSTICS_MAX) + this.#notTold;
    return { ok: false, diagnostics: errors.slice(0, DIAGNOSTICS_MAX), omitted };
  }

  warnings(): readonly ConfigDiagnostic[] {
    return inOrder(this.#found.filter(({ severity }) => severity === 'warning')).slice(0, DIAGNOSTICS_MAX);
  }
}

function pathOf({ path = [] }: SchemaIssue): ConfigPath {
  return path.map((segment) => {
    const key = typeof segment === 'object' ? segment.key : segment;
    return typeof key === 'number' ? key : String(key);
  });
}

function inOrder(diagnostics: readonly ConfigDiagnostic[]): readonly ConfigDiagnostic[] {
  return diagnostics.toSorted(
    (one, other) =>
      (one.file ?? '').localeCompare(other.file ?? '') ||
      (one.line ?? 0) - (other.line ?? 0) ||
      (one.column ?? 0) - (other.column ?? 0),
  );
}
