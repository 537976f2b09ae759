/** The configuration over HTTP: two members that share one in a store, and members that share nothing. */
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { memoryHead, type MemoryHead } from '../../src/config.ts';
import { memoryLeases } from '../../src/index.ts';
import { conclaveApp, type ServedConfig } from '../../src/server.ts';
import { MemorySource, noting, useReloads } from '../machines/config-handle-members.ts';
import { type Answer, as, ask, post, tokens } from './http-member.ts';

const reloads = useReloads();
let store: MemoryHead;
let leader: ServedConfig;
let follower: ServedConfig;
let app: ReturnType<typeof conclaveApp>;

const appOf = (config: ServedConfig) => conclaveApp({ config, tokens, clock: reloads.clock });

beforeEach(async () => {
  store = memoryHead({ clock: reloads.clock });
  const leases = memoryLeases({ clock: reloads.clock });
  reloads.source.write({ port: 1, password: 'hunter2hunter2' });
  const follows = { source: new MemorySource().write({ port: 9 }), store, leases };
  const made = [
    reloads.reload({ store, leases, memberId: 'leader' }),
    reloads.reload({ ...follows, memberId: 'follower' }),
  ] as const;
  [leader, follower] = made;
  const started = made.map((each) => each.start());
  await reloads.pass(15_000);
  await Promise.all(started);
  app = appOf(follower);
});

afterEach(() => store.close());

/** Asks while time goes on: members answer each other meanwhile. */
async function told(path: string, init: RequestInit = {}, on = app, forMs = 3000): Promise<Answer> {
  const answer = ask(on, path, init);
  await reloads.pass(forMs);
  return answer;
}

const etag = async (on = app): Promise<string> =>
  (await told('/v1/config', { headers: as('read') }, on, 0)).headers.get('etag') ?? '';

const put = (body: string, headers: Record<string, string> = {}): RequestInit => ({
  method: 'PUT',
  body,
  headers: { ...as('write'), ...headers },
});

/** What both members run, what the store wants, and the audit log: changed by nothing that is refused. */
const standing = async () => {
  const signal = new AbortController().signal;
  const shas = [leader, follower].map((each) => [each.status().generation, each.status().sha]);
  return JSON.stringify([shas, await store.head({ signal }), await store.audit({ signal })]);
};

describe('what is in force', () => {
  test('is told with its tag, without its secrets, and not twice', async () => {
    const answer = await told('/v1/config', { headers: as('read') });
    const { generation, sha } = leader.status();
    expect(answer).toMatchObject({
      status: 200,
      body: { generation: 1, sha, config: { port: 1, password: '***' } },
    });
    expect(answer.headers.get('etag')).toBe(`"${generation}-${sha?.slice(0, 12)}"`);
    const again = { ...as('read'), 'if-none-match': `W/${answer.headers.get('etag')}, "other"` };
    expect(await told('/v1/config', { headers: again })).toMatchObject({ status: 304, text: '' });
    expect(
      await told('/v1/config', { headers: { ...as('read'), 'if-none-match': '"other"' } }),
    ).toMatchObject({
      status: 200,
    });
  });

  test.for(['/v1/config', '/v1/config/status', '/v1/config/history', '/v1/config/diff', '/v1/config/events'])(
    '%s takes a token, unless only this host can connect',
    async (path) => {
      expect(await told(path)).toMatchObject({ status: 401 });
      expect(await told(path, { headers: as('reload') })).toMatchObject({ status: 403 });
      const open = conclaveApp({ config: follower, readsNeedToken: false, clock: reloads.clock });
      expect((await open.request(path, { method: 'HEAD' })).status).toBe(200);
    },
  );

  test('history, status of all members and differences are told without secrets', async () => {
    await told('/v1/config', put('{"port": 2, "password": "correct-horse"}', { 'if-match': '*' }));
    const history = await told('/v1/config/history', { headers: as('read') });
    expect(history.body['history']).toMatchObject([
      { generation: 2, who: `${follower.memberId} (http: write)`, why: 'proposed over HTTP' },
      { generation: 1 },
    ]);
    const status = await told('/v1/config/status', { headers: as('read') });
    expect(status.body['members']).toMatchObject([{ state: 'applied' }, { state: 'applied' }]);
    const diff = await told('/v1/config/diff?from=1&to=2', { headers: as('read') });
    expect(diff).toMatchObject({
      status: 200,
      body: { differences: [{ path: 'port' }, { path: 'password', before: '***', after: '***' }] },
    });
    for (const { text } of [history, status, diff]) expect(text).not.toMatch(/hunter2|correct-horse/);
    for (const query of ['from=0', 'to=x', 'from=1e3', 'from=-1'])
      expect(await told(`/v1/config/diff?${query}`, { headers: as('read') })).toMatchObject({ status: 400 });
    expect(await told('/v1/config/diff?from=77', { headers: as('read') })).toMatchObject({
      status: 404,
      body: { code: 'CONFIG_NOT_FOUND' },
    });
  });
});

describe('a proposal', () => {
  test('is applied by all members, whichever is asked', async () => {
    const answer = await told('/v1/config', put('{"port": 2}', { 'if-match': await etag() }));
    expect(answer).toMatchObject({ status: 200, body: { status: 'applied', generation: 2 } });
    expect(answer.headers.get('etag')).toBe(await etag());
    expect([leader, follower].map((each) => each.shown()?.value)).toMatchObject([{ port: 2 }, { port: 2 }]);
  });

  test('of two made from the same configuration the second is refused', async () => {
    const seen = await etag();
    const [first, second] = await Promise.all([
      told('/v1/config', put('{"port": 2}', { 'if-match': seen })),
      told('/v1/config', put('{"port": 3}', { 'if-match': seen }), appOf(leader)),
    ]);
    expect([first.status, second.status].toSorted((a, b) => a - b)).toEqual([200, 412]);
    const late = await told('/v1/config', put('{"port": 4}', { 'if-match': seen }));
    expect(late).toMatchObject({ status: 412, body: { code: 'CONFIG_CHANGED' } });
    expect(leader.status().generation).toBe(2);
  });

  test.for<[string, number, Record<string, string>, string]>([
    ['without If-Match', 428, {}, '{"port": 2}'],
    ['with an If-Match that is none', 400, { 'if-match': '1-abc' }, '{"port": 2}'],
    ['with a weak tag', 412, { 'if-match': 'W/"1-000000000000"' }, '{"port": 2}'],
    ['with a foreign tag', 412, { 'if-match': '"abc", "def"' }, '{"port": 2}'],
    ['of another type', 415, { 'if-match': '*', 'content-type': 'application/xml' }, '<port>2</port>'],
    ['that is compressed', 415, { 'if-match': '*', 'content-encoding': 'gzip' }, 'x'],
    ['that is no JSON', 422, { 'if-match': '*' }, '{"port": '],
    ['that is empty', 422, { 'if-match': '*' }, ''],
    ['against the schema', 422, { 'if-match': '*' }, '{"port": "much"}'],
    ['with what is shown for a secret', 422, { 'if-match': '*' }, '{"port": 2, "password": "***"}'],
    ['that is too long', 413, { 'if-match': '*' }, `{"level": "${'x'.repeat(1024 * 1024)}"}`],
    ['in another format', 422, { 'if-match': '*', 'content-type': 'application/yaml' }, 'port: [1'],
  ])('%s changes nothing anywhere', async ([, status, headers, body]) => {
    const before = await standing();
    const answer = await told('/v1/config', put(body, headers));
    expect(answer.status, answer.text.slice(0, 300)).toBe(status);
    expect(answer.headers.get('content-type')).toBe('application/problem+json');
    if (status === 422) expect(answer.body['diagnostics']).toHaveLength(1);
    expect(await standing()).toBe(before);
  });

  test('may come in another format', async () => {
    const headers = { 'if-match': '*', 'content-type': 'application/yaml; charset=utf-8' };
    expect(await told('/v1/config', put('port: 5\n', headers))).toMatchObject({ status: 200 });
    expect(leader.shown()?.value).toMatchObject({ port: 5 });
  });

  test('of what is in force already moves nothing', async () => {
    const before = await standing();
    const answer = await told('/v1/config', put(reloads.source.text ?? '', { 'if-match': '*' }));
    expect(answer).toMatchObject({ status: 200, body: { status: 'unchanged', generation: 1 } });
    expect(await standing()).toBe(before);
  });

  test('while the store is gone is a problem that may pass', async () => {
    const swap = store.swap.bind(store);
    Object.assign(store, { swap: () => new Promise(() => {}) });
    const answer = await told('/v1/config', put('{"port": 2}', { 'if-match': '*' }), app, 20_000);
    expect(answer).toMatchObject({ status: 503, body: { code: 'STORE_TIMEOUT' } });
    expect(answer.headers.get('retry-after')).toBe('2');
    Object.assign(store, { swap });
    const reports = store.reports.bind(store);
    Object.assign(store, { reports: () => new Promise(() => {}) });
    const status = await told('/v1/config/status', { headers: as('read') }, app, 20_000);
    Object.assign(store, { reports });
    expect(status).toMatchObject({ status: 200, body: { member: { generation: 1 }, members: null } });
    expect(status.body['exception']).toContain('STORE_TIMEOUT');
    expect([leader, follower].map((each) => each.status().generation)).toEqual([1, 1]);
  });

  test('can be tried without proposing it, by whom may propose it', async () => {
    const before = await standing();
    const trial = (body: string, scope: 'read' | 'write') =>
      told('/v1/config/validate', { method: 'POST', body, headers: as(scope) });
    expect(await trial('{"port": 2}', 'read')).toMatchObject({ status: 403 });
    expect(await trial('{"port": 2}', 'write')).toMatchObject({
      status: 200,
      body: {
        valid: true,
        differences: [{ path: 'port' }, { path: 'password', before: '***', after: null }],
      },
    });
    expect(await trial('{"port": "x"}', 'write')).toMatchObject({ status: 422, body: { valid: false } });
    expect(await standing()).toBe(before);
  });
});

describe('commands', () => {
  test('a reload of all counts the other members that have heard', async () => {
    const answer = await told('/admin/metadata/reload', post({ notifyOtherInstances: true }, as('reload')));
    expect(answer).toMatchObject({
      status: 200,
      body: {
        status: 'unchanged',
        instancesNotified: 1,
        generation: 1,
        sha: leader.status().sha,
      },
    });
    expect(answer.body['timestamp']).toMatch(/^\d{4}-.*Z$/);
    const states = (answer.body['instances'] as { member: string; state: string }[]).map(
      ({ state }) => state,
    );
    expect(states).toEqual(['applied', 'applied']);
    const alone = await told('/admin/metadata/reload', post({ notifyOtherInstances: false }, as('reload')));
    expect(alone).toMatchObject({ status: 200, body: { instancesNotified: 0 } });
  });

  test('a rollback is done by all; one to nowhere is a problem', async () => {
    await told('/v1/config', put('{"port": 2}', { 'if-match': '*' }));
    const back = await told('/v1/config/rollback', post({ to: 1 }, as('write')));
    expect(back).toMatchObject({ status: 200, body: { generation: 3 } });
    expect([leader, follower].map((each) => each.shown()?.value)).toMatchObject([{ port: 1 }, { port: 1 }]);
    const nowhere = await told('/v1/config/rollback', post({ to: 99 }, as('write')));
    expect(nowhere).toMatchObject({ status: 404, body: { code: 'CONFIG_NOT_FOUND' } });
  });

  test.for<[string, number, string, string]>([
    ['{"to": "1"}', 400, 'application/json', '"to" must be the number of a generation'],
    ['{"to": 1.5}', 400, 'application/json', '"to" must be'],
    ['{"too": 1}', 400, 'application/json', 'Did you mean "to"?'],
    ['{"__proto__": {"to": 1}}', 400, 'application/json', 'not known'],
    ['[1]', 400, 'application/json', 'must be a JSON object'],
    ['{', 400, 'application/json', 'not JSON'],
    ['to=1', 415, 'application/x-www-form-urlencoded', 'application/json'],
    ['{}', 415, 'text/plain', 'application/json'],
  ])('a body %s is answered %d', async ([body, status, type, message]) => {
    const before = await standing();
    const headers = { ...as('write'), 'content-type': type };
    const answer = await told('/v1/config/rollback', { method: 'POST', body, headers });
    expect(answer).toMatchObject({ status });
    expect(answer.body['detail']).toContain(message);
    expect(await standing()).toBe(before);
  });

  test('every change takes its own scope', async () => {
    const before = await standing();
    const changes = [
      ['PUT', '/v1/config', 'reload'],
      ['POST', '/v1/config/rollback', 'reload'],
      ['POST', '/v1/config/reload', 'write'],
      ['POST', '/admin/metadata/reload', 'read'],
    ] as const;
    for (const [method, path, scope] of changes) {
      expect(await told(path, { method }), path).toMatchObject({ status: 401 });
      expect(await told(path, { method, headers: as(scope) }), path).toMatchObject({ status: 403 });
    }
    expect(await standing()).toBe(before);
  });
});

describe('members that share nothing', () => {
  test('reload their own file; what fails is never answered 200', async () => {
    const source = new MemorySource().write({ port: 1 });
    const config = await reloads.started({ source, memberId: 'alone' });
    const own = appOf(config);
    const reload = () => told('/v1/config/reload', { method: 'POST', headers: as('reload') }, own);
    expect(await reload()).toMatchObject({ status: 200, body: { status: 'unchanged' } });
    source.write({ port: 2 });
    expect(await reload()).toMatchObject({ status: 200, body: { status: 'applied', generation: 2 } });
    source.write('{"port": "x"}');
    expect(await reload()).toMatchObject({
      status: 422,
      body: { in_force: { generation: 2 }, diagnostics: [{ path: 'port', line: 1 }] },
    });
    const all = await told('/admin/metadata/reload', post({}, as('reload')), own);
    expect(all).toMatchObject({ status: 422, body: { instancesNotified: 0 } });
    expect(await ask(own, '/health')).toMatchObject({ status: 200, body: { status: 'Degraded' } });
    source.text = null;
    expect((await reload()).status).toBeGreaterThanOrEqual(400);
    expect(config.current.port).toBe(2);
  });

  test('take no proposal, and say where to change it', async () => {
    const config = await reloads.started({ source: new MemorySource().write({}), memberId: 'alone' });
    const answer = await told('/v1/config', put('{"port": 2}', { 'if-match': '*' }), appOf(config));
    expect(answer).toMatchObject({ status: 409, body: { code: 'CONFIG_READ_ONLY' } });
  });

  test('are not ready, and Unhealthy, before their first configuration is in force', async () => {
    const source = new MemorySource().write('{"port": "x"}');
    const config = reloads.reload({ source, handlers: [noting('a', [])] });
    const own = appOf(config);
    expect(await ask(own, '/health/ready')).toMatchObject({ status: 503 });
    const starting = config.start().catch(() => {});
    await reloads.pass(5000);
    await starting;
    expect(await ask(own, '/health/ready')).toMatchObject({ status: 503 });
    expect(await ask(own, '/health')).toMatchObject({
      status: 503,
      body: {
        results: { configuration: { status: 'Unhealthy', description: 'No configuration is in force.' } },
      },
    });
    expect(await told('/v1/config', { headers: as('read') }, own)).toMatchObject({ status: 503 });
    expect(await ask(own, '/health/live')).toMatchObject({ status: 200 });
    source.write({ port: 3 });
    await reloads.pass(5000);
    expect(await ask(own, '/health/ready')).toMatchObject({ status: 200 });
  });
});
