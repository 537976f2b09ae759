/** Validation: any Standard Schema decides, our words and places tell. */
import { describe, expect, test } from 'vitest';
import { z } from 'zod';
import { DIAGNOSTICS_MAX } from '../../machines/config-reload.events.ts';
import { SettingsError } from '../../src/errors.ts';
import { showDiagnostic } from '../../src/config/diagnostic.ts';
import type { ConfigDocument } from '../../src/config/formats/config-document.ts';
import { validateConfig, type Validation } from '../../src/config/validate.ts';
import { type KeyClass, KeyClasses } from '../../src/config/validate-key-classes.ts';
import type { ConfigSchema } from '../../src/config/validate-schema.ts';
import { document, read } from './format.contract.ts';

const server = z.object({
  server: z.object({
    port: z.number().int().max(65_535),
    host: z.string().default('localhost'),
    tls: z.boolean().optional(),
    password: z.string().min(8).optional(),
  }),
  limits: z.strictObject({ rate: z.number() }).optional(),
  steps: z.array(z.object({ run: z.string() })).default([]),
  caches: z.record(z.string(), z.array(z.object({ size: z.number() }))).default({}),
});

const readHcl = async (text: string, references = {}) => document(await read('app.hcl', text, references));

const check = async <T>(text: string, schema: ConfigSchema<T>, keys: Record<string, KeyClass> = {}) =>
  validateConfig(await readHcl(text), schema, new KeyClasses(keys), null);

function accepted<T>(validation: Validation<T>) {
  if (!validation.ok) throw new Error(validation.diagnostics.map(showDiagnostic).join('\n'));
  return validation;
}

function refused<T>(validation: Validation<T>) {
  if (validation.ok) throw new Error('it was let through');
  return validation.diagnostics.map(showDiagnostic);
}

/** By hand: what a library without JSON Schema gives. */
const byHand: ConfigSchema<{ readonly port: number }> = {
  '~standard': {
    version: 1,
    vendor: 'by-hand',
    validate: async (value) => {
      await Promise.resolve();
      const port: unknown = (value as Record<string, unknown>)['port'];
      if (typeof port === 'number') return { value: { port } };
      return {
        issues: [{ message: 'must be a number', path: [{ key: 'port' }] }, { message: 'is no good' }],
      };
    },
  },
};

describe('a configuration that satisfies its schema', () => {
  test('is what the schema made of it, frozen through and through', async () => {
    const { value } = accepted(await check('server { port = 80 }\n', server));
    expect(value).toEqual({ server: { port: 80, host: 'localhost' }, steps: [], caches: {} });
    expect([value, value.server, value.steps, value.caches].every((each) => Object.isFrozen(each))).toBe(
      true,
    );
    expect(() => ((value.server as { port: number }).port = 1)).toThrow(TypeError);
  });

  test('may be judged by a schema written by hand that takes its time', async () => {
    expect(accepted(await check('port = 1\n', byHand)).value).toEqual({ port: 1 });
  });

  test('keeps what a schema makes of classes as it is', async () => {
    const dates = z.object({
      since: z.coerce.date(),
      tags: z.array(z.string()).transform((each) => new Set(each)),
    });
    const { value } = accepted(await check('since = "1979-05-27"\ntags = ["a"]\n', dates));
    expect(value.since.getUTCFullYear()).toBe(1979);
    expect(value.tags.has('a')).toBe(true);
  });

  test('has lists where the schema wants lists, however many blocks there are', async () => {
    const text = 'server { port = 80 }\nsteps { run = "a" }\ncaches "redis" { size = 1 }\n';
    const { value, document: shaped } = accepted(await check(text, server));
    expect(value.steps).toEqual([{ run: 'a' }]);
    expect(value.caches).toEqual({ redis: [{ size: 1 }] });
    expect(shaped.locate(['steps', 0, 'run'])).toMatchObject({ line: 2, column: 15 });
  });

  test('is let through with a warning for keys that the schema passes over', async () => {
    const { warnings } = accepted(
      await check('server {\n  port = 80\n  hots = "a"\n}\nsevrer = 1\n', server),
    );
    expect(warnings.map(showDiagnostic)).toEqual([
      'app.hcl:3:3: warning: server.hots: There is no such key; it has no effect. Did you mean host?\n    hots = "a"\n    ^',
      'app.hcl:5:1: warning: sevrer: There is no such key; it has no effect. Did you mean server?\n  sevrer = 1\n  ^',
    ]);
  });
});

describe('a configuration that does not satisfy its schema', () => {
  test('is refused with place, line, caret and path of all that is wrong, in the order of the file', async () => {
    const text = 'limits {\n  rat = 1\n}\nserver {\n  port = 99999\n  tls  = "yes"\n}\n';
    expect(refused(await check(text, server))).toEqual([
      'app.hcl:1:1: limits.rate: This key is missing: Invalid input: expected number, received undefined\n  limits {\n  ^',
      'app.hcl:2:3: limits.rat: There is no such key. Did you mean rate?\n    rat = 1\n    ^',
      'app.hcl:5:10: server.port: Too big: expected number to be <=65535\n    port = 99999\n           ^',
      'app.hcl:6:10: server.tls: Invalid input: expected boolean, received string\n    tls  = "yes"\n           ^',
    ]);
  });

  test('is told about by a schema that knows no places, and by one that throws', async () => {
    expect(refused(await check('port = "1"\n', byHand))).toEqual([
      'app.hcl:1:1: (root): is no good\n  port = "1"\n  ^',
      'app.hcl:1:8: port: must be a number\n  port = "1"\n         ^',
    ]);
    const throwing: ConfigSchema<unknown> = {
      '~standard': {
        version: 1,
        vendor: 'x',
        validate: () => {
          throw new Error('out of order');
        },
      },
    };
    expect(refused(await check('port = 1\n', throwing)).join('')).toContain(
      'The schema itself failed: out of order.',
    );
  });

  test('is refused for a block that is there twice, at the second', async () => {
    expect(refused(await check('server { port = 1 }\nserver { port = 2 }\n', server))).toEqual([
      'app.hcl:2:8: server: This block is there 2 times; there may be one.\n  server { port = 2 }\n         ^',
    ]);
  });

  test('is refused without its secret, but with what the schema says of it if that tells nothing', async () => {
    const text = 'server {\n  port = 1\n  password = "hunt2"\n}\n';
    expect(refused(await check(text, server))).toEqual([
      'app.hcl:3:14: server.password: Too small: expected string to have >=8 characters\n    password = ***\n               ^',
    ]);
  });

  test('is refused without the words of its schema where they would show a secret, however short', async () => {
    const telling = z.string().refine(() => false, { error: ({ input }) => `not ${String(input)}` });
    const schema = z.object({ pin: telling, name: telling });
    const [atPin = '', atName = ''] = refused(await check('pin = "ab1"\nname = "cab1"\n', schema));
    expect(atPin).not.toContain('ab1');
    expect(atPin).toContain('Its message is not shown');
    expect(atName).toContain('name: not cab1');
  });

  test(`is told in ${DIAGNOSTICS_MAX} problems, the others are counted`, async () => {
    const items = Array.from({ length: DIAGNOSTICS_MAX + 5 }, () => '"x"').join(', ');
    const validation = await check(`n = [${items}]\n`, z.object({ n: z.array(z.number()) }));
    expect(validation).toMatchObject({ ok: false, omitted: 5 });
    expect(refused(validation)).toHaveLength(DIAGNOSTICS_MAX);
  });
});

describe('what a change to a configuration does', () => {
  const keys = {
    'server.port': 'restart',
    server: 'live',
    'server.*': 'restart',
    id: 'immutable',
    'pools.*.size': 'restart',
  } as const;
  const anything = z.record(z.string(), z.unknown());

  async function change(before: string, after: string, references = {}) {
    const previous = accepted(
      await validateConfig(await readHcl(before, references), anything, new KeyClasses(keys), null),
    );
    return validateConfig(await readHcl(after, references), anything, new KeyClasses(keys), previous);
  }

  test('is told by the classes of the keys, the closest declaration first', async () => {
    const { changed } = accepted(
      await change(
        'a = 1\nserver {\n  port = 1\n  deep { x = 1 }\n}\npools "p" {\n  size = 1\n  name = "a"\n}\n',
        'a = 2\nserver {\n  port = 2\n  deep { x = 2 }\n}\npools "p" {\n  size = 2\n  name = "b"\n}\nnew { x = 1 }\n',
      ),
    );
    expect(changed).toEqual({
      live: ['a', 'pools.p.name', 'new.x'],
      restart: ['server.port', 'server.deep.x', 'pools.p.size'],
      immutable: [],
      omitted: 0,
    });
  });

  test('is nothing for the first configuration and for the same one', async () => {
    const none = { live: [], restart: [], immutable: [], omitted: 0 };
    expect(accepted(await check('a = 1\n', anything)).changed).toEqual(none);
    expect(accepted(await change('a = 1\n', 'a = 2 - 1 # the same\n')).changed).toEqual(none);
  });

  test.for([
    ['id = 1\n', 'a = 1\nid = 2\n', 'app.hcl:2:6: id: This key was changed', 'id = 2'],
    ['a = 1\n', 'a = 1\nid = 2\n', 'app.hcl:2:6: id: This key was added', 'id = 2'],
    ['a = 1\nid = 1\n', 'a = 1\n', 'app.hcl:1:1: id: This key was removed', 'a = 1'],
  ] as const)('is refused for an immutable key: %j, %j', async ([before, after, words, line]) => {
    const [only = ''] = refused(await change(before, after));
    expect(only).toContain(words);
    expect(only).toContain(`\n  ${line}\n`);
  });

  test('shows no key inside of a secret', async () => {
    let secret = '{"hunter2": 1}';
    const references = { secret: () => secret };
    const before = accepted(
      await validateConfig(
        await readHcl('db = jsondecode(secret("x"))\n', references),
        anything,
        new KeyClasses(),
        null,
      ),
    );
    secret = '{"hunter3": 1}';
    const after = await readHcl('db = jsondecode(secret("x"))\n', references);
    const { changed } = accepted(await validateConfig(after, anything, new KeyClasses(), before));
    expect(changed.live).toEqual(['db']);
  });

  test('needs classes and keys that there are', () => {
    expect(() => new KeyClasses({ 'a.b': 'restar' as KeyClass })).toThrow('Did you mean "restart"?');
    for (const pattern of ['', 'a..b', '[', 'a.["x]']) {
      expect(() => new KeyClasses({ [pattern]: 'live' })).toThrow(SettingsError);
    }
  });
});

test('declared secrets are secret, and names that only sound like one are not', async () => {
  const { readConfig } = await import('../../src/config/formats/read-config.ts');
  const text = 'max_tokens = 5\ninternal { note = "hunter2" }\nreal_token = "abcdefgh"\n';
  const reading = await readConfig(
    [{ name: 'a.hcl', bytes: Buffer.from(text) }],
    { environment: {} },
    { secretKeys: ['internal.*'], plainKeys: ['max_tokens'] },
  );
  const { secrets, value }: ConfigDocument = document(reading);
  expect(secrets.redact(value)).toEqual({ max_tokens: 5, internal: { note: '***' }, real_token: '***' });
});
