/** Who may ask what, by token, name and origin; and what is answered to what cannot be served. */
import { describe, expect, test, vi } from 'vitest';
import { conclaveApp, type TokenOptions } from '../../src/server.ts';
import { createTestElection } from '../../src/testing.ts';
import { as, ask, post, tokens } from './http-member.ts';

async function leading() {
  const election = createTestElection();
  await election.start();
  await election.lead();
  return election;
}

describe('tokens', () => {
  test('resigning takes one with the scope "admin", and nothing else will do', async () => {
    await using election = await leading();
    const app = conclaveApp({ election, tokens });
    const resign = (headers: Record<string, string>) =>
      ask(app, '/leader/resign', { method: 'POST', headers });

    const nobody = await resign({});
    expect(nobody).toMatchObject({ status: 401, body: { code: 'UNAUTHENTICATED' } });
    expect(nobody.headers.get('www-authenticate')).toBe('Bearer realm="conclave"');
    for (const authorization of ['Bearer', 'Bearer ', 'Basic YWRtaW46YWRtaW4=', 'Bearer a b', 'bearer']) {
      expect((await resign({ authorization })).status, authorization).toBe(401);
    }
    const wrong = await resign({ authorization: 'Bearer admin-0123456789abcdeg' });
    expect(wrong.status).toBe(401);
    expect(wrong.headers.get('www-authenticate')).toContain('error="invalid_token"');
    for (const scope of ['read', 'reload', 'write'] as const) {
      const answer = await resign(as(scope));
      expect(answer, scope).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
      expect(answer.headers.get('www-authenticate')).toContain('error="insufficient_scope", scope="admin"');
    }
    expect(election.isLeader).toBe(true);

    const done = await resign(as('admin'));
    expect(done).toMatchObject({ status: 200, body: { resigned: { term: 1 } } });
    expect(election.isLeader).toBe(false);
    expect(await resign(as('admin'))).toMatchObject({ status: 409, body: { code: 'NOT_LEADER' } });
  });

  test('without any, nothing can be changed', async () => {
    await using election = await leading();
    const app = conclaveApp({ election });
    const answer = await ask(app, '/leader/resign', { method: 'POST', headers: as('admin') });
    expect(answer).toMatchObject({ status: 403, body: { code: 'FORBIDDEN' } });
    expect(election.isLeader).toBe(true);
  });

  test.for<[string, TokenOptions, string]>([
    ['an empty one', { token: '', scopes: ['read'] }, 'tokens[0].token is 0 characters'],
    ['a short one', { token: 'hunter2', scopes: ['read'] }, 'tokens[0].token is 7 characters'],
    [
      'one that no header can hold',
      { token: 'hunter2-hunter2-ü', scopes: ['read'] },
      'tokens[0].token is 17',
    ],
    ['one with a blank', { token: 'hunter2 hunter2 hunter2', scopes: ['read'] }, 'tokens[0].token is 23'],
    ['one for nothing', { token: 'hunter2-hunter2-hunter2', scopes: [] }, 'scopes is empty'],
    ['an unknown scope', { token: 'hunter2-hunter2-hunter2', scopes: ['root' as 'admin'] }, '"root"'],
  ])('%s is refused when the server is made, without showing it', ([, token, message]) => {
    expect(() => conclaveApp({ tokens: [token] })).toThrow(message);
    expect(() => conclaveApp({ tokens: [token] })).not.toThrow(/hunter2/);
  });

  test('one that stands there twice is refused: which scopes it has could not be told', () => {
    const twice = [...tokens, { token: tokens[0]?.token ?? '', scopes: ['admin' as const] }];
    expect(() => conclaveApp({ tokens: twice })).toThrow(
      /tokens\[4\]\.token is the same as tokens\[0\]\.token/,
    );
  });
});

describe('names and origins', () => {
  const statusFor = async (host: string, allowedHosts: readonly string[] = [], path = '/health') =>
    (await ask(conclaveApp({ allowedHosts }), path, { headers: { host } })).status;

  test.for(['localhost', 'LOCALHOST:8080', '127.0.0.1:8080', '10.1.2.3', '[::1]:8080', '[fe80::1]'])(
    'it is asked for as %s',
    async (host) => expect(await statusFor(host)).toBe(200),
  );

  test.for([
    'evil.example',
    'localhost.evil.example',
    'xlocalhost',
    'evil.example:8080',
    '127.0.0.1.evil.example',
  ])('it is not asked for as %s', async (host) => expect(await statusFor(host)).toBe(421));

  test('names can be allowed, one by one, all below one, or all', async () => {
    expect(await statusFor('conclave.example', ['conclave.example'])).toBe(200);
    expect(await statusFor('Conclave.Example.:80', ['conclave.example'])).toBe(200);
    expect(await statusFor('a.conclave.example', ['conclave.example'])).toBe(421);
    expect(await statusFor('a.conclave.example', ['*.conclave.example'])).toBe(200);
    expect(await statusFor('conclave.example', ['*.conclave.example'])).toBe(421);
    expect(await statusFor('evilconclave.example', ['*.conclave.example'])).toBe(421);
    expect(await statusFor('anything.example', ['*'])).toBe(200);
    for (const name of ['http://a', 'a:80', 'a/b', '', '*.*', 'a b'])
      expect(() => conclaveApp({ allowedHosts: [name] }), name).toThrow(/allowedHosts\[0\]/);
  });

  test('probes are answered under any name and to any page', async () => {
    const headers = { host: 'evil.example', origin: 'https://evil.example' };
    const metrics = { contentType: 'text/plain', text: async () => 'up 1\n' };
    const app = conclaveApp({ metrics });
    for (const path of ['/health/live', '/livez', '/health/ready', '/readyz', '/metrics'])
      expect((await ask(app, path, { headers })).status, path).toBe(200);
  });

  test('pages of another origin are refused, those of its own are not', async () => {
    const app = conclaveApp({ allowedHosts: ['conclave.example'] });
    const from = async (origin: string, host = 'localhost:8080') =>
      (await ask(app, '/health', { headers: { host, origin } })).status;
    expect(await from('http://localhost:8080')).toBe(200);
    expect(await from('https://conclave.example', 'conclave.example')).toBe(200);
    expect(await from('http://conclave.example', 'conclave.example:80')).toBe(200);
    for (const origin of [
      'null',
      'https://evil.example',
      'http://localhost:8081',
      'http://localhost',
      'file://',
      '',
    ])
      expect(await from(origin), origin).toBe(403);
  });
});

describe('what cannot be served', () => {
  test('unknown paths are a problem, whatever tricks they play', async () => {
    await using election = await leading();
    const app = conclaveApp({ election, tokens });
    const paths = ['/nope', '/health/', '//health', '/health/../etc/passwd', '/%2e%2e/%2e%2e/etc/passwd'];
    for (const path of [...paths, '/health%00', '/%ff', '/leader%2Fme', '/HEALTH', '/.env', '/health;x=1']) {
      const answer = await ask(app, path);
      expect(answer, path).toMatchObject({ status: 404, body: { code: 'NOT_FOUND', status: 404 } });
      expect(answer.headers.get('content-type')).toBe('application/problem+json');
    }
  });

  test('a path written another way asks for the same token', async () => {
    await using election = await leading();
    const app = conclaveApp({ election, tokens });
    for (const path of [
      '/%6ceader/resign',
      '/leader/%72esign',
      '/x/../leader/resign',
      '/leader/./resign?a=/health',
    ])
      expect((await ask(app, path, { method: 'POST' })).status, path).toBe(401);
    expect(election.isLeader).toBe(true);
  });

  test('other methods are told which ones there are', async () => {
    await using election = await leading();
    const app = conclaveApp({ election, tokens });
    const wrong = await ask(app, '/health', { method: 'DELETE' });
    expect(wrong).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } });
    expect(wrong.headers.get('allow')).toBe('GET, HEAD, OPTIONS');
    expect((await ask(app, '/leader/resign')).headers.get('allow')).toBe('POST, OPTIONS');
    const options = await ask(app, '/leader/resign', { method: 'OPTIONS' });
    expect(options).toMatchObject({ status: 204, text: '' });
    expect(options.headers.get('access-control-allow-origin')).toBeNull();
    const head = await ask(app, '/health', { method: 'HEAD' });
    expect(head).toMatchObject({ status: 200, text: '' });
  });

  test('every answer is kept by nobody and taken for nothing else', async () => {
    const app = conclaveApp({ tokens });
    for (const path of ['/health', '/nope', '/livez']) {
      const { headers } = await ask(app, path);
      expect(headers.get('cache-control')).toBe('no-store');
      expect(headers.get('x-content-type-options')).toBe('nosniff');
    }
  });

  test('a fault inside is told in the log, and nowhere else', async () => {
    const lines: string[] = [];
    const logger = {
      debug() {},
      info() {},
      warn() {},
      error: (_: object, line: string) => void lines.push(line),
    };
    const text = () => Promise.reject(new Error('the password is hunter2'));
    const answer = await ask(
      conclaveApp({ metrics: { contentType: 'text/plain', text }, logger }),
      '/metrics',
    );
    expect(answer).toMatchObject({ status: 500, body: { code: 'INTERNAL' } });
    expect(answer.text).not.toMatch(/hunter2|at |\.ts/);
    expect(lines).toEqual(['A request failed: Error: the password is hunter2']);
  });

  test('a request that is cut short is no fault', async () => {
    await using election = await leading();
    const lines: string[] = [];
    const logger = { debug() {}, info() {}, warn() {}, error: (_: object, line: string) => lines.push(line) };
    const app = conclaveApp({ election, tokens, logger });
    const resign = (incoming: object) => {
      const body = new ReadableStream({ pull: (controller) => controller.error(new Error('aborted')) });
      const init = { method: 'POST', headers: as('admin'), body, duplex: 'half' } as RequestInit;
      return app.request('/leader/resign', init, { incoming });
    };
    await resign({ destroyed: true, complete: false });
    expect(lines).toEqual([]);
    await resign({ destroyed: false, complete: false });
    expect(lines).toEqual(['A request failed: Error: aborted']);
    expect(election.isLeader).toBe(true);
  });

  test('options that are none are refused', () => {
    expect(() => conclaveApp({ token: [] } as object)).toThrow(/did you mean "tokens"\?/);
    expect(() => conclaveApp({ followerStatus: 'fine' as 'healthy' })).toThrow(/followerStatus is "fine"/);
  });
});

describe('the leader', () => {
  test('is told by all, and asked for by load balancers', async () => {
    await using election = createTestElection();
    const app = conclaveApp({ election });
    await election.start();
    expect(await ask(app, '/leader')).toMatchObject({ status: 404, body: { code: 'NOT_FOUND' } });
    expect(await ask(app, '/leader/me')).toMatchObject({ status: 409, body: { is_leader: false } });
    const term = await election.lead();
    const told = await ask(app, '/leader');
    const token = String(term.token);
    expect(told).toMatchObject({
      status: 200,
      body: { holder: election.candidateId, is_me: true, term: 1, token },
    });
    expect(told.body['since']).toMatch(/^\d{4}-\d\d-\d\dT/);
    expect(await ask(app, '/leader/me')).toMatchObject({ status: 200, body: { is_leader: true } });
    await election.follow('another');
    await expect
      .poll(() => ask(app, '/leader'))
      .toMatchObject({ status: 200, body: { holder: 'another', is_me: false } });
    expect((await ask(app, '/leader/resign', post({}))).status).toBe(403);
  });

  test('is the one at the moment of the answer, however long the store takes for it', async () => {
    await using election = createTestElection();
    const app = conclaveApp({ election });
    await election.start();
    await election.follow('another');
    const asked = Promise.withResolvers<never>();
    const lookUp = vi.spyOn(election, 'lookUp').mockReturnValue(asked.promise);
    const told = ask(app, '/leader');
    await expect.poll(() => lookUp.mock.calls.length).toBe(1);
    await election.lead();
    asked.reject(new Error('no answer'));
    expect(await told).toMatchObject({ status: 200, body: { holder: election.candidateId, is_me: true } });
  });
});
