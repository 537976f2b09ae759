import { resolve } from 'node:path';
import type { ConfigContent } from './content.ts';
import { changesBetween, tellDifferences } from './difference.ts';
import type { ConfigDocument } from './formats/config-document.ts';
import { readConfig } from './formats/read-config.ts';
import type { Vocabulary } from './redact-vocabulary.ts';
import { type Dependency, digestDependencies } from './formats/references.ts';
import type { ConfigReader, Parsed } from './reader.ts';
import { validateConfig } from './validate.ts';
import { KeyClasses } from './validate-key-classes.ts';
import type { ConfigSchema } from './validate-schema.ts';

/** What the configuration may refer to, and what of it must not be shown. */
export interface SecretOptions {
  /** Answers `secret(reference)`. Without it there are no secrets to refer to. */
  readonly resolve?: (reference: string) => string | Promise<string>;
  /** What `env(name)` reads. Default the environment of the process. */
  readonly environment?: Readonly<Record<string, string | undefined>>;
  /** Environment variables that are secret besides those whose names say so; `*` stands for any characters. */
  readonly environmentNames?: readonly string[];
  /** Keys that are secret besides those whose names say so: `database.*.url`. */
  readonly keys?: readonly string[];
  /** Keys that are named like secrets and are none. */
  readonly plainKeys?: readonly string[];
}

/** For configurations of which all keys are known beforehand. */
export interface SecretsOfVocabulary extends SecretOptions {
  readonly vocabulary?: Vocabulary;
}

export interface SchemaReaderOptions<T> {
  readonly schema: ConfigSchema<T>;
  readonly keys?: Readonly<Record<string, 'live' | 'restart' | 'immutable'>>;
  readonly secrets?: SecretsOfVocabulary;
  /** Key of the digests of what configurations refer to. */
  readonly key: string;
  /** What contents that come without a directory refer to. */
  readonly directory: string | null;
}

/** Reads configurations in every format there is, by one schema. */
export function schemaReader<T>(options: SchemaReaderOptions<T>): ConfigReader<T> {
  const { schema, key, secrets = {} } = options;
  const classes = new KeyClasses(options.keys);
  const digest = (dependencies: readonly Dependency[]) => digestDependencies(dependencies, key);
  const directoryOf = ({ directory }: ConfigContent) => directory ?? options.directory;
  return {
    async parse(content) {
      const directory = directoryOf(content);
      const reading = await readConfig(
        content.files.map(({ path, bytes }) => ({ name: path, bytes })),
        {
          environment: secrets.environment ?? process.env,
          ...(secrets.environmentNames && { secretEnvironment: secrets.environmentNames }),
          ...(directory !== null && { root: directory }),
          ...(secrets.resolve && { secret: secrets.resolve }),
        },
        {
          ...(secrets.keys && { secretKeys: secrets.keys }),
          ...(secrets.plainKeys && { plainKeys: secrets.plainKeys }),
          ...(secrets.vocabulary && { vocabulary: secrets.vocabulary }),
        },
      );
      const { dependencies } = reading.ok ? reading.document : reading;
      const referred = { dependencies: digest(dependencies), files: filesOf(dependencies, directory) };
      if (reading.ok) {
        const digestWith = (otherKey: string) => digestDependencies(dependencies, otherKey);
        return { kind: 'parsed', ...referred, digest: digestWith, tree: reading.document };
      }
      return {
        kind: 'refused',
        ...referred,
        diagnostics: reading.diagnostics,
        transient: reading.transient,
      };
    },
    async check(parsed, previous) {
      const before = previous && { value: previous.value, document: documentOf(previous.parsed) };
      const validation = await validateConfig(documentOf(parsed), schema, classes, before);
      if (!validation.ok)
        return {
          kind: 'refused',
          diagnostics: validation.diagnostics,
          dependencies: parsed.dependencies,
          files: parsed.files,
          transient: false,
        };
      const { value, changed, warnings, document } = validation;
      return {
        kind: 'checked',
        value,
        changed,
        warnings,
        parsed: { ...parsed, tree: document },
      };
    },
    scrub: (message, parsed) =>
      documentOf(parsed).secrets.scrub(message, []) ??
      'Its message is not shown, because it may hold a secret.',
    redact: ({ value, parsed }) => documentOf(parsed).secrets.redact(value),
    difference(before, after) {
      const changes = changesBetween(before?.value, after.value);
      return tellDifferences(
        changes,
        before && documentOf(before.parsed).secrets,
        documentOf(after.parsed).secrets,
      );
    },
  };
}

function documentOf({ tree }: Parsed): ConfigDocument {
  return tree as ConfigDocument;
}

function filesOf(dependencies: readonly Dependency[], directory: string | null): readonly string[] {
  if (directory === null) return [];
  return dependencies.filter(({ kind }) => kind === 'file').map(({ name }) => resolve(directory, name));
}
