/** Thousands of requests that nobody meant to be served: each gets the right answer, and nothing has happened. */
import { fc, test } from '@fast-check/vitest';
import type { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect } from 'vitest';
import { z } from 'zod';
import { createConfigReload, type ConfigReload, memoryHead, type MemoryHead } from '../../src/config.ts';
import { memoryJournal } from '../../src/index.ts';
import { routesOf } from '../../src/server/app.ts';
import { resolveAppOptions } from '../../src/server/app-options.ts';
import { conclaveApp } from '../../src/server.ts';
import { createTestElection, type TestElection, VirtualClock } from '../../src/testing.ts';
import { TOKENS, tokens } from '../contracts/http-member.ts';
import { MemorySource } from '../machines/config-handle-members.ts';
import { elapse } from '../machines/elapse.ts';

/** What no text is by chance. */
const schema = z.object({ port: z.number(), password: z.string().optional() });

const SECRET = 'hunter2-correct-horse';

let election: TestElection;
let config: ConfigReload<z.infer<typeof schema>>;
let store: MemoryHead;
let app: Hono;
/** What may be answered without a token, by method and path. */
let open: ReadonlySet<string>;
let known: ReadonlySet<string>;

beforeAll(async () => {
  const clock = new VirtualClock();
  const journal = memoryJournal();
  election = createTestElection({ journal, clock });
  await election.start();
  const leading = election.lead();
  await elapse(clock, 1000);
  await leading;
  store = memoryHead({ clock });
  const source = new MemorySource().write({ port: 1, password: SECRET });
  config = createConfigReload({ source, schema, store, election, journal, clock });
  const starting = config.start();
  await elapse(clock, 15_000);
  await starting;
  const parts = { election, config, journal, tokens, clock };
  app = conclaveApp(parts);
  const routes = routesOf(resolveAppOptions(parts));
  open = new Set(routes.filter(({ scope }) => scope === null).map(({ method, path }) => `${method} ${path}`));
  known = new Set(routes.map(({ path }) => path));
});

afterAll(async () => {
  await config.stop();
  await election.stop();
  await store.close();
});

const never = new AbortController().signal;

/** Everything a request could change. */
async function state(): Promise<string> {
  const { generation, sha, state: chart } = config.status();
  const head = [await store.head({ signal: never }), await store.audit({ signal: never })];
  return JSON.stringify([election.term?.number, election.isLeader, generation, sha, chart, head]);
}

const PATHS = [
  '/health',
  '/health/ready',
  '/livez',
  '/leader',
  '/leader/me',
  '/leader/resign',
  '/events',
  '/v1/config',
  '/v1/config/validate',
  '/v1/config/reload',
  '/v1/config/rollback',
  '/v1/config/diff',
  '/v1/config/history',
  '/v1/config/status',
  '/v1/config/events',
  '/admin/metadata/reload',
];

const segment = fc.oneof(
  fc.constantFrom(
    '..',
    '.',
    '',
    'v1',
    'config',
    'leader',
    '%2e%2e',
    '%2F',
    '%00',
    '~',
    '*',
    '__proto__',
    'constructor',
  ),
  fc.string({ maxLength: 12 }).map((text) => encodeURIComponent(text.toWellFormed())),
);

const path = fc.oneof(
  { weight: 3, arbitrary: fc.constantFrom(...PATHS) },
  fc.array(segment, { maxLength: 6 }).map((parts) => `/${parts.join('/')}`),
  fc.tuple(fc.constantFrom(...PATHS), segment).map(([known_, more]) => `${known_}/${more}`),
);

const query = fc.oneof(
  fc.constant(''),
  fc.constantFrom('?from=1', '?to=-1', '?from=now', '?from=%00', '?token=x', '?__proto__=1', '?from[]=1'),
  fc.webQueryParameters({ size: 'small' }).map((text) => `?${text}`),
);

const method = fc.constantFrom('GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND');

const visible = fc.string({ maxLength: 30 }).map((text) => text.replaceAll(/[^\x20-\x7e]/g, '').trim());

const headers = fc.record(
  {
    host: fc.constantFrom(
      'localhost',
      '127.0.0.1:8080',
      'evil.example',
      'a@b',
      '[::1]',
      '..',
      'localhost:99999',
    ),
    origin: fc.constantFrom('http://localhost', 'https://evil.example', 'null', 'x'),
    // Never a right one: what a token may do is tried elsewhere.
    authorization: fc.oneof(
      fc.constantFrom(
        'Bearer',
        'Basic Zm9vOmJhcg==',
        `Bearer ${TOKENS.admin.slice(0, -1)}`,
        `Bearer ${TOKENS.admin}x`,
      ),
      fc.constantFrom(
        `Token ${TOKENS.admin}`,
        `Bearer ${TOKENS.admin.toUpperCase()}`,
        `Bearer ${TOKENS.admin},x`,
      ),
      visible.map((text) => `Bearer ${text}`),
    ),
    'content-type': fc.constantFrom(
      'application/json',
      'text/plain',
      'application/yaml',
      'multipart/form-data',
      '/;',
    ),
    'content-length': fc.constantFrom('0', '99999999999', '-1', 'x'),
    'content-encoding': fc.constantFrom('gzip', 'identity'),
    'if-match': fc.constantFrom('*', '"1-000000000000"', 'x', ''),
    'last-event-id': visible,
    'x-forwarded-host': fc.constantFrom('localhost', 'evil.example'),
    'x-http-method-override': fc.constantFrom('PUT', 'POST'),
    cookie: visible,
  },
  { requiredKeys: [] },
);

const body = fc.oneof(
  fc.constant(''),
  fc.constantFrom(
    '{}',
    '{"to": 1}',
    '{"force": true}',
    '{"__proto__": {"admin": true}}',
    '{"notifyOtherInstances": true}',
  ),
  fc.json({ maxDepth: 3 }),
  fc.string({ maxLength: 50 }),
  fc.constantFrom('[', '[['.repeat(50_000), '{"port": 2}', 'port: 2'),
);

interface Asked {
  readonly method: string;
  readonly path: string;
  readonly query: string;
  readonly headers: Record<string, string>;
  readonly body: string;
}

async function ask({ method: verb, path: at, query: how, headers: with_, body: sent }: Asked) {
  const init = { method: verb, headers: with_, ...(['GET', 'HEAD'].includes(verb) ? {} : { body: sent }) };
  const response = await app.request(`${at}${how}`, init);
  const isStream = response.headers.get('content-type') === 'text/event-stream';
  if (isStream) await response.body?.cancel();
  return { response, text: isStream ? '' : await response.text() };
}

describe('requests without a token that is known', () => {
  test.prop([fc.record({ method, path, query, headers, body }) as fc.Arbitrary<Asked>], { numRuns: 3000 })(
    'change nothing, are told no secret, and get a problem or what anybody may have',
    async (asked) => {
      const before = await state();
      const { response, text } = await ask(asked);
      expect(await state()).toBe(before);

      expect(text).not.toMatch(new RegExp(`${SECRET}|${TOKENS.admin}|node_modules|\\.ts:\\d`));
      expect(response.status).not.toBe(500);
      expect(response.headers.get('x-content-type-options')).toBe('nosniff');
      expect(response.headers.get('access-control-allow-origin')).toBeNull();
      if (response.status < 400) {
        const { pathname } = new URL(asked.path, 'http://localhost');
        const verb = asked.method === 'HEAD' ? 'GET' : asked.method;
        const isOpen = open.has(`${verb} ${decodeURI(pathname)}`);
        expect(isOpen || (verb === 'OPTIONS' && known.has(decodeURI(pathname)))).toBe(true);
      } else if (asked.method !== 'HEAD' && !text.startsWith('{"status":"')) {
        expect(response.headers.get('content-type')).toBe('application/problem+json');
        const problem = JSON.parse(text) as Record<string, unknown>;
        expect(problem).toMatchObject({ status: response.status });
        expect(Object.keys(problem)).toEqual(expect.arrayContaining(['type', 'title', 'detail', 'code']));
      }
      if (response.status === 401) expect(response.headers.get('www-authenticate')).toMatch(/^Bearer/);
      if (response.status === 405) expect(response.headers.get('allow')).toContain('OPTIONS');
    },
  );
});

describe('requests with a token', () => {
  const commands = fc.record({
    method: fc.constantFrom('POST', 'PUT'),
    path: fc.constantFrom(
      '/v1/config',
      '/v1/config/validate',
      '/v1/config/rollback',
      '/v1/config/reload',
      '/leader/resign',
    ),
    query: fc.constant(''),
    headers: headers.map(({ host: _, origin: __, 'content-length': ___, ...rest }) => ({
      ...rest,
      // Enough to look, too little to change anything but by a mistake.
      authorization: `Bearer ${TOKENS.read}`,
    })),
    body,
  }) as fc.Arbitrary<Asked>;

  test.prop([commands], { numRuns: 300 })(
    'that is not for it are refused before anything is read',
    async (asked) => {
      const before = await state();
      const { response } = await ask(asked);
      expect([403, 405]).toContain(response.status);
      expect(await state()).toBe(before);
    },
  );

  test.prop(
    [
      fc.record({
        method: fc.constant('PUT'),
        path: fc.constant('/v1/config'),
        query: fc.constant(''),
        headers: fc.record({
          authorization: fc.constant(`Bearer ${TOKENS.write}`),
          'if-match': fc.constantFrom('*', '"7-000000000000"', '"', 'W/"1-0"'),
          'content-type': fc.constantFrom(
            'application/json',
            'application/yaml',
            'application/toml',
            'application/hcl',
          ),
        }),
        body: body.filter((text) => !/port|level/.test(text)),
      }) as fc.Arbitrary<Asked>,
    ],
    { numRuns: 700 },
  )('and no configuration in them are answered with a problem, and change nothing', async (asked) => {
    const before = await state();
    const { response, text } = await ask(asked);
    expect([400, 412, 415, 422]).toContain(response.status);
    expect(text).not.toContain(SECRET);
    expect(await state()).toBe(before);
  });
});
