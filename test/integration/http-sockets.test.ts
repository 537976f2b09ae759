/** What only sockets show: slow and malformed clients, keep-alive, going away, ports, HTTPS. */
import { readFileSync } from 'node:fs';
import { Agent, createServer, request as httpRequest } from 'node:http';
import { type RequestOptions, request as httpsRequest } from 'node:https';
import { connect, type Socket } from 'node:net';
import { Hono } from 'hono';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { memoryJournal } from '../../src/index.ts';
import {
  conclaveApp,
  conclaveListener,
  type ConclaveServer,
  serveConclave,
  shutDown,
} from '../../src/server.ts';
import { STREAMS_MAX } from '../../src/server/event-streams.ts';
import { listen } from '../../src/server/listen.ts';
import { createTestElection, type TestElection } from '../../src/testing.ts';
import { as, tokens } from '../contracts/http-member.ts';
import { type Certificates, makeCertificates } from '../redis/certificates.ts';

let election: TestElection;
let server: ConclaveServer;

beforeAll(async () => {
  const journal = memoryJournal();
  election = createTestElection({ journal });
  await election.start();
  await election.lead();
  const metrics = { contentType: 'text/plain; version=0.0.4', text: async () => 'up 1\n' };
  server = await serveConclave({ election, journal, metrics, tokens, port: 0, metricsPort: 0 });
});

afterAll(async () => {
  await server.close();
  await election.stop();
});

/** Sends bytes as they are and gives all that comes back until the server closes. */
function raw(port: number, bytes: string, act: (socket: Socket) => void = () => {}): Promise<string> {
  return new Promise((resolve, reject) => {
    const socket = connect(port, '127.0.0.1', () => {
      socket.write(bytes);
      act(socket);
    });
    let text = '';
    socket.setEncoding('utf8').on('data', (chunk: string) => (text += chunk));
    socket.once('error', reject).once('close', () => resolve(text));
  });
}

function problemIn(text: string): { readonly status: number; readonly code: string } {
  expect(text).toContain('application/problem+json');
  return JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)) as { status: number; code: string };
}

const head = (lines: readonly string[]) => `${lines.join('\r\n')}\r\n\r\n`;

describe('what is no request', () => {
  test.for<[string, string, number, string]>([
    ['garbage', 'hello there\r\n\r\n', 400, 'MALFORMED'],
    ['TLS where there is none', '\u0016\u0003\u0001\u0002\u0000\u0001\u0000', 400, 'MALFORMED'],
    ['an unknown method', head(['HACK / HTTP/1.1', 'Host: localhost']), 400, 'MALFORMED'],
    ['no Host', head(['GET /health HTTP/1.1', 'Connection: close']), 400, 'MALFORMED'],
    ['two Hosts', head(['GET /health HTTP/1.1', 'Host: localhost', 'Host: evil']), 400, 'MALFORMED'],
    [
      'a Host that is none',
      head(['GET /health HTTP/1.1', 'Host: a b@c/', 'Connection: close']),
      400,
      'MALFORMED',
    ],
    [
      'a path that is none',
      head(['GET \\..\\x HTTP/1.1', 'Host: localhost', 'Connection: close']),
      400,
      'MALFORMED',
    ],
    [
      'two lengths',
      head(['POST / HTTP/1.1', 'Host: a', 'Content-Length: 1', 'Content-Length: 2']),
      400,
      'MALFORMED',
    ],
    [
      'a smuggled one',
      head(['POST / HTTP/1.1', 'Host: a', 'Content-Length: 4', 'Transfer-Encoding: chunked']),
      400,
      'MALFORMED',
    ],
    [
      'a proxy request',
      head(['CONNECT evil.example:443 HTTP/1.1', 'Host: evil.example:443']),
      405,
      'METHOD_NOT_ALLOWED',
    ],
    [
      'an absolute address',
      head(['GET http://evil.example/health HTTP/1.1', 'Host: localhost', 'Connection: close']),
      421,
      'HOST_FOREIGN',
    ],
    ['an expectation', head(['GET / HTTP/1.1', 'Host: localhost', 'Expect: miracles']), 417, 'EXPECTATION'],
    [
      'huge headers',
      `GET / HTTP/1.1\r\nHost: a\r\nX: ${'x'.repeat(20_000)}\r\n\r\n`,
      431,
      'HEADERS_TOO_LARGE',
    ],
    ['an endless line', `GET /${'x'.repeat(20_000)}`, 431, 'HEADERS_TOO_LARGE'],
  ])('%s is answered with a problem', async ([, bytes, status, code]) => {
    expect(problemIn(await raw(server.port, bytes))).toMatchObject({ status, code });
    expect(election.isLeader).toBe(true);
  });

  test('a health check of HTTP/1.0 without a Host is answered', async () => {
    expect(await raw(server.port, 'GET /livez HTTP/1.0\r\n\r\n')).toMatch(/^HTTP\/1\.1 200 OK/);
  });

  test('a client that goes away in the middle of anything leaves nothing behind', async () => {
    const starts = [
      '',
      'GE',
      'GET /events HTTP/1.1\r\nHost: localhost\r\n',
      'POST /leader/resign HTTP/1.1\r\nHost: a\r\n',
    ];
    for (const start of starts) await raw(server.port, start, (socket) => socket.destroySoon());
    const length = head([`POST /leader/resign HTTP/1.1`, 'Host: localhost', 'Content-Length: 1000']);
    await raw(server.port, `${length}{`, (socket) => socket.destroySoon());
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
  });

  test('a body that is too long is refused, announced or not, and the member goes on', async () => {
    const post = `POST /leader/resign HTTP/1.1\r\nHost: localhost\r\nAuthorization: ${as('admin')['authorization']}`;
    const announced = await raw(server.port, head([post, `Content-Length: ${2 ** 30}`]));
    expect(problemIn(announced)).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' });
    const chunk = `10000\r\n${'x'.repeat(0x10000)}\r\n`;
    const endless = await raw(server.port, head([post, 'Transfer-Encoding: chunked']), (socket) => {
      socket.on('error', () => {});
      const more = () => void (socket.writable && socket.write(chunk, () => setImmediate(more)));
      more();
    }).catch(() => 'cut off');
    if (endless !== 'cut off') expect(endless).toMatch(/^HTTP\/1\.1 413 /);
    expect((await fetch(`${server.url}/livez`)).status).toBe(200);
    expect(election.isLeader).toBe(true);
  });

  test('readers of events that go away leave their places to others', async () => {
    const asked = head(['GET /events HTTP/1.1', 'Host: localhost']);
    const places = Array.from({ length: STREAMS_MAX }, () =>
      raw(server.port, asked, (socket) => socket.once('data', () => socket.destroy())),
    );
    for (const answer of await Promise.all(places)) expect(answer).toMatch(/^HTTP\/1\.1 200 /);
    const openAll = async () => {
      const all = await Promise.all(
        Array.from({ length: STREAMS_MAX }, async () => fetch(`${server.url}/events`)),
      );
      await Promise.all(all.map(async ({ body }) => body?.cancel()));
      return all.filter(({ status }) => status === 200).length;
    };
    await expect.poll(openAll, { timeout: 20_000 }).toBe(STREAMS_MAX);
  });

  test('slow clients are told that their time is over, and many of them keep nobody else waiting', async () => {
    const limits = { headersMs: 300, requestMs: 600 };
    await using slow = await listen(conclaveApp({ election, tokens }), { limits });
    const headers = 'GET /health HTTP/1.1\r\nHost: localhost\r\nX-A: ';
    const body = head(['PUT /leader/resign HTTP/1.1', 'Host: localhost', 'Content-Length: 100']);
    const crowd = Array.from({ length: 100 }, () => raw(slow.port, headers));
    expect((await fetch(`${slow.url}/livez`)).status).toBe(200);
    for (const answer of await Promise.all(crowd)) expect(problemIn(answer)).toMatchObject({ status: 408 });
    // An answer that needs no body does not wait for it; the connection is not kept for the rest.
    expect(await raw(slow.port, body)).toMatch(/^HTTP\/1\.1 405 /);
  });
});

describe('going away', () => {
  /** An application with one request that takes as long as the test says. */
  async function serving(note: (line: string) => void = () => {}) {
    const started = Promise.withResolvers<void>();
    const go = Promise.withResolvers<void>();
    const pages = new Hono().get('/slow', async (context) => {
      started.resolve();
      await go.promise;
      note(`answered, ${own.isLeader ? 'still leading' : 'leading no more'}`);
      return context.text('all of it');
    });
    const own = createTestElection({ journal: memoryJournal() });
    await own.start();
    await own.lead();
    const served = await serveConclave({ election: own, pages, journal: memoryJournal(), port: 0 });
    return { election: own, server: served, started: started.promise, finish: () => go.resolve() };
  }

  test('first not ready, then requests in flight finish, then the lease goes, then the server', async () => {
    const order: string[] = [];
    const { election: own, server: served, started, finish } = await serving((line) => order.push(line));
    const inFlight = fetch(`${served.url}/slow`).then((response) => response.text());
    await started;
    const events = await fetch(`${served.url}/events`);
    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    const keptAlive = async () => (await get(`${served.url}/health/ready`, { agent: kept })).status;
    expect(await keptAlive()).toBe(200);

    const done = shutDown({
      server: served,
      drainTimeoutMs: 60_000,
      release: async () => {
        order.push('release');
        await own.stop();
      },
      close: async () => void order.push('close'),
    });
    // Streams end by themselves.
    expect(await events.text()).toContain('event: end');
    // Still answered, but not ready, and each is the last of its connection.
    const probe = await get(`${served.url}/health/ready`, { agent: kept });
    expect(probe).toMatchObject({ status: 503, connection: 'close' });
    expect(own.isLeader).toBe(true);
    finish();
    expect(await inFlight).toBe('all of it');
    await done;
    expect(order).toEqual(['answered, still leading', 'release', 'close']);
    await expect(fetch(`${served.url}/livez`)).rejects.toThrow();
    kept.destroy();
  });

  test('a request that does not end is not waited for without end', async () => {
    const { election: own, server: served, started } = await serving();
    const inFlight = fetch(`${served.url}/slow`).then(
      () => 'answered',
      () => 'cut off',
    );
    await started;
    expect(await served.drain(50)).toBe(1);
    await served.close();
    expect(await inFlight).toBe('cut off');
    await own.stop();
  });

  test('a step that fails keeps none of the others from being taken', async () => {
    const taken: string[] = [];
    const step = (name: string) => async () => {
      taken.push(name);
      throw new Error(name);
    };
    const going = { drain: step('drain'), close: step('close server') } as unknown as ConclaveServer;
    const done = shutDown({
      server: going,
      drainTimeoutMs: 1,
      release: step('release'),
      close: step('close'),
    });
    await expect(done).rejects.toThrow('drain');
    expect(taken).toEqual(['drain', 'release', 'close server', 'close']);
  });
});

describe('where it listens', () => {
  test('a port that was asked for and is taken is an error that says what to do', async () => {
    const taken = serveConclave({ election, port: server.port });
    await expect(taken).rejects.toMatchObject({
      code: 'SETTINGS_INVALID',
      message: `127.0.0.1:${server.port} cannot be listened on: another program has it. Choose another port or address.`,
    });
    // What was opened before the other port failed is closed again.
    const metrics = { contentType: 'text/plain', text: async () => '' };
    const free = createServer().listen(0, '127.0.0.1');
    await new Promise((resolve) => free.once('listening', resolve));
    const { port } = free.address() as { port: number };
    await new Promise((resolve) => free.close(resolve));
    await expect(serveConclave({ port, metrics, metricsPort: server.port })).rejects.toThrow(
      'another program',
    );
    await using again = await serveConclave({ port });
    expect(again.port).toBe(port);
  });

  test('one that was not asked for leads to the next', async () => {
    await using next = await serveConclave({ election, port: server.port, strictPort: false });
    expect(next.port).toBeGreaterThan(server.port);
    expect((await fetch(`${next.url}/livez`)).status).toBe(200);
  });

  test('metrics have a port of their own, with the probes and nothing else, or share one', async () => {
    const metricsUrl = server.metricsUrl ?? '';
    const scraped = await fetch(metricsUrl);
    expect(scraped.headers.get('content-type')).toBe('text/plain; version=0.0.4');
    expect(await scraped.text()).toBe('up 1\n');
    expect((await fetch(`${server.url}/metrics`)).status).toBe(404);
    const base = metricsUrl.replace('/metrics', '');
    const statuses = ['/livez', '/readyz', '/health', '/leader', '/v1/config', '/events'].map(
      async (path) => (await fetch(base + path)).status,
    );
    expect(await Promise.all(statuses)).toEqual([200, 200, 404, 404, 404, 404]);
  });

  test('off this host, reading takes a token', async () => {
    const everywhere = await serveConclave({
      election,
      journal: memoryJournal(),
      tokens,
      address: '0.0.0.0',
      port: 0,
    });
    const url = `http://127.0.0.1:${everywhere.port}/events`;
    expect((await fetch(url, { method: 'HEAD' })).status).toBe(401);
    expect((await fetch(url, { method: 'HEAD', headers: as('read') })).status).toBe(200);
    expect((await fetch(`${server.url}/events`, { method: 'HEAD' })).status).toBe(200);
    await everywhere.close();
  });

  test('it can be mounted into a server of Node, and leaves the globals as they are', async () => {
    const { Request: before } = globalThis;
    const own = createServer(conclaveListener(conclaveApp({ election })));
    await new Promise<void>((resolve) => own.listen(0, '127.0.0.1', resolve));
    const { port } = own.address() as { port: number };
    expect((await fetch(`http://127.0.0.1:${port}/leader/me`)).status).toBe(200);
    expect(globalThis.Request).toBe(before);
    await new Promise((resolve) => own.close(resolve));
  });
});

describe('HTTPS', () => {
  let certificates: Certificates & Disposable;
  beforeAll(async () => {
    certificates = await makeCertificates();
  });
  afterAll(() => certificates[Symbol.dispose]());

  const pair = ({ cert, key }: Certificates['server']) => ({
    cert: readFileSync(cert),
    key: readFileSync(key),
  });

  test('is spoken with a certificate, on both ports', async () => {
    const metrics = { contentType: 'text/plain', text: async () => 'up 1\n' };
    const options = { election, metrics, port: 0, metricsPort: 0, certificates: pair(certificates.server) };
    await using secure = await serveConclave(options);
    expect(secure.url).toMatch(/^https:/);
    const ca = readFileSync(certificates.ca);
    expect(await get(`${secure.url}/leader/me`, { ca })).toMatchObject({ status: 200 });
    expect(await get(secure.metricsUrl ?? '', { ca })).toMatchObject({ status: 200 });
    await expect(get(secure.url, { ca: readFileSync(certificates.otherCa) })).rejects.toThrow();
    // Plain HTTP on that port is answered by nothing that could be taken for an answer.
    expect(
      await raw(secure.port, head(['GET /livez HTTP/1.1', 'Host: localhost'])).catch(() => ''),
    ).not.toContain('200');
  });

  test('clients need a certificate of theirs where that is asked for', async () => {
    const ca = readFileSync(certificates.ca);
    await using secure = await serveConclave({
      election,
      port: 0,
      certificates: { ...pair(certificates.server), ca },
    });
    expect(await get(`${secure.url}/livez`, { ca, ...pair(certificates.client) })).toMatchObject({
      status: 200,
    });
    await expect(get(`${secure.url}/livez`, { ca })).rejects.toThrow();
    await expect(get(`${secure.url}/livez`, { ca, ...pair(certificates.otherClient) })).rejects.toThrow();
  });

  test('what is no certificate is refused before anything listens', async () => {
    const wrong = { cert: 'no certificate', key: 'secret-key-text' };
    const made = serveConclave({ election, port: 0, certificates: wrong });
    await expect(made).rejects.toMatchObject({ code: 'SETTINGS_INVALID' });
    await expect(made).rejects.not.toThrow('secret-key-text');
  });
});

interface Got {
  readonly status: number;
  readonly connection: string | undefined;
}

/** With what `fetch` cannot be told: agents, authorities, certificates. */
function get(url: string, options: RequestOptions): Promise<Got> {
  const ask = url.startsWith('https:') ? httpsRequest : httpRequest;
  return new Promise((resolve, reject) => {
    const asked = ask(url, options, (response) => {
      response
        .resume()
        .once('end', () =>
          resolve({ status: response.statusCode ?? 0, connection: response.headers.connection }),
        );
    });
    asked.once('error', reject).end();
  });
}
