import { fc } from '@fast-check/vitest';
import type { FormatName } from '../../src/config/formats/config-format.ts';
import type { ConfigValue } from '../../src/config/formats/config-node.ts';
import type { ConfigReferences } from '../../src/config/formats/references.ts';
import { writeConfig } from '../../src/config/formats/write-config.ts';

/** Configurations with a secret planted somewhere in them, as texts of each format. */

export interface Planted {
  readonly file: string;
  readonly text: string;
  readonly secret: string;
  readonly references: ConfigReferences;
}

const everyday = fc.oneof(
  fc.constantFrom<ConfigValue[]>('text', 'a "quoted" one', 8080, true),
  fc.integer({ min: -1000, max: 1000 }),
);
const everydayName = fc.constantFrom('name', 'port', 'hosts', 'server', 'a', 'limits', 'b');
const secretName = fc.constantFrom(
  'password',
  'dbPassword',
  'API_KEY',
  'api-key',
  'access_token',
  'clientSecret',
  'credentials',
  'connectionString',
  'private_key',
);

/** Unlike anything else in a text. */
const secretText = fc
  .string({ unit: fc.constantFrom(...Array.from('XYZQWK0123456789')), minLength: 10, maxLength: 16 })
  .map((text) => `${text}J`);

const around = (inside: fc.Arbitrary<Record<string, ConfigValue>>) =>
  fc
    .tuple(
      fc.dictionary(everydayName, everyday, { maxKeys: 2, noNullPrototype: true }),
      inside,
      fc.dictionary(everydayName, everyday, { maxKeys: 2, noNullPrototype: true }),
      fc.constantFrom<(value: Record<string, ConfigValue>) => Record<string, ConfigValue>>(
        (value) => value,
        (value) => ({ outer: value }),
        (value) => ({ list: [value, { other: 1 }] }),
        (value) => ({ outer: { inner: value, after: 'x' } }),
      ),
    )
    .map(([before, planted, after, wrap]) => wrap({ ...before, ...planted, ...after }));

const secretValue = (secret: string) =>
  fc.constantFrom<ConfigValue[]>(
    secret,
    [secret],
    ['first', secret],
    { user: 'admin', pass: secret },
    `line one\n${secret}\n`,
    { deep: [{ value: secret }] },
  );

const env = '@@env@@';
const provider = '@@secret@@';

/** A secret text under a name that says so. */
const literal = fc.tuple(secretText, secretName).chain(([secret, name]) =>
  fc.record({
    secret: fc.constant(secret),
    value: around(secretValue(secret).map((value) => ({ [name]: value }))),
  }),
);

/** A secret that the environment or a provider holds, under any name. */
const referred = fc
  .tuple(secretText, everydayName, fc.constantFrom(env, provider))
  .chain(([secret, name, how]) =>
    fc.record({ secret: fc.constant(secret), value: around(fc.constant({ [name]: how })) }),
  );

const endings: Readonly<Record<FormatName, string>> = {
  hcl: 'hcl',
  json: 'json',
  yaml: 'yaml',
  toml: 'toml',
};

export const planted: fc.Arbitrary<Planted> = fc
  .oneof(
    { weight: 3, arbitrary: fc.tuple(literal, fc.constantFrom<FormatName[]>('hcl', 'json', 'yaml', 'toml')) },
    { weight: 2, arbitrary: fc.tuple(referred, fc.constant<FormatName>('hcl')) },
  )
  .map(([{ secret, value }, format]) => ({
    file: `app.${endings[format]}`,
    text: writeConfig(value, format)
      .replaceAll(`"${env}"`, 'env("DB_PASSWORD")')
      .replaceAll(`"${provider}"`, 'jsondecode("[1, \\"${secret("ref")}\\"]")[1]'),
    secret,
    references: { environment: { DB_PASSWORD: secret }, secret: () => Promise.resolve(secret) },
  }));

/** The same with one thing more, less or other, but for the secret itself and the names that tell of it. */
export const damagedPlanted: fc.Arbitrary<Planted> = fc
  .tuple(
    planted,
    fc.nat(),
    fc.constantFrom('insert', 'remove', 'replace', 'cut'),
    fc.constantFrom(
      ...Array.from('"${}[]()=:,.#/*\\<>-+!?&|%~^;\n\t\'ax0 @`'),
      '<<',
      '${',
      '/*',
      '"""',
      '\n\n',
    ),
  )
  .map(([plant, where, how, what]) => {
    const { text, secret } = plant;
    const untouchable = new Set<number>();
    for (const match of text.matchAll(
      new RegExp(`${secret}|[\\w-]*(?:pass|key|token|secret|cred|conn)[\\w-]*`, 'gi'),
    )) {
      for (let at = match.index; at < match.index + match[0].length; at += 1) untouchable.add(at);
    }
    const places = Array.from({ length: text.length }, (_, at) => at).filter((at) => !untouchable.has(at));
    const at = places[where % places.length] ?? 0;
    const damagedText =
      how === 'cut'
        ? text.slice(0, at)
        : text.slice(0, at) + (how === 'remove' ? '' : what) + text.slice(how === 'insert' ? at : at + 1);
    return { ...plant, text: damagedText };
  });
