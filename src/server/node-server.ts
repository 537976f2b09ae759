import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http';
import { createServer as createSecureServer } from 'node:https';
import type { Duplex } from 'node:stream';
import { getRequestListener } from '@hono/node-server';
import type { Hono } from 'hono';
import { INTERNAL, problemOf, problemResponse, problemText, PROBLEM_TYPE, refusal } from './problem.ts';

/**
 * Node's server, with a limit on everything a client may take: how long it may send headers and a whole request, how
 * large headers are, how long a connection may idle, how many there are. What is no HTTP at all is answered with a
 * problem, too.
 */

/** Largest header of a request, in bytes. */
export const HEADER_BYTES_MAX = 16 * 1024;

/** What a client may take. Times in milliseconds. */
export interface ServerLimits {
  /** For the headers of a request. */
  readonly headersMs: number;
  /** For the whole request. */
  readonly requestMs: number;
  /** For a connection that waits for a next request. */
  readonly keepAliveMs: number;
  /** For a connection on which nothing moves; streams send a heartbeat more often. */
  readonly idleMs: number;
  /** Connections at one time; more are refused. */
  readonly connections: number;
}

export const SERVER_LIMITS: ServerLimits = {
  headersMs: 10_000,
  requestMs: 30_000,
  keepAliveMs: 5000,
  idleMs: 90_000,
  connections: 1000,
};

/** How often Node looks for requests that take too long, in milliseconds. */
const LOOK_MS = 1000;

/** PEM texts, or what `node:tls` takes for them. */
export interface CertificateOptions {
  readonly cert: string | Buffer;
  readonly key: string | Buffer;
  readonly passphrase?: string;
  /** Whom clients must have their certificates from. Without it they need none. */
  readonly ca?: string | Buffer;
}

/**
 * Serves the application from a server of Node: `createServer(conclaveListener(app))`, or a path of Express or Fastify.
 * Node's own globals stay as they are.
 */
export function conclaveListener(app: Hono): (incoming: IncomingMessage, outgoing: ServerResponse) => void {
  // A health check of HTTP/1.0 may come without a name.
  const serve = getRequestListener(app.fetch, {
    hostname: 'localhost',
    overrideGlobalObjects: false,
    errorHandler: (error) => {
      const isRequest = error instanceof Error && error.name === 'RequestError';
      const malformed = refusal('MALFORMED', 'The path or the Host header is none.');
      return problemResponse(isRequest ? malformed.problem : (problemOf(error) ?? INTERNAL));
    },
  });
  return (incoming, outgoing) => void serve(incoming, outgoing);
}

export function nodeServer(app: Hono, certificates: CertificateOptions | null, limits: ServerLimits): Server {
  const options = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: limits.headersMs,
    requestTimeout: limits.requestMs,
    keepAliveTimeout: limits.keepAliveMs,
    connectionsCheckingInterval: Math.min(LOOK_MS, limits.headersMs),
    // Answered by us, with a problem.
    requireHostHeader: false,
  };
  const listener = conclaveListener(app);
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const hosts = incoming.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
    if (hosts.length === (incoming.httpVersion === '1.0' ? Math.min(hosts.length, 1) : 1))
      return listener(incoming, outgoing);
    return endWith(outgoing, refusal('MALFORMED', 'A request needs exactly one Host header.'));
  };
  const server =
    certificates === null
      ? createServer(options, onRequest)
      : createSecureServer(
          {
            ...options,
            ...certificates,
            requestCert: certificates.ca !== undefined,
            // What comes before the headers takes no longer than they may.
            handshakeTimeout: limits.headersMs,
          },
          onRequest,
        );
  server.maxConnections = limits.connections;
  server.setTimeout(limits.idleMs);
  server.on('clientError', answerGarbage);
  server.on('connect', (_: IncomingMessage, socket: Duplex) => {
    writeProblem(socket, refusal('METHOD_NOT_ALLOWED', 'This is no proxy.'));
  });
  server.on('checkExpectation', (_, outgoing) => {
    endWith(outgoing, refusal('EXPECTATION', 'Only Expect: 100-continue is met.'));
  });
  return server;
}

function endWith(outgoing: ServerResponse, { problem }: ReturnType<typeof refusal>): void {
  const text = problemText(problem);
  const length = { 'content-length': Buffer.byteLength(text) };
  outgoing.writeHead(problem.status, { 'content-type': PROBLEM_TYPE, connection: 'close', ...length });
  outgoing.end(text);
}

/** What Node cannot make a request of. */
function answerGarbage({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  // Nobody is there any more, or the answer has begun, or there is no TLS: what is written then waits for it for ever.
  const written = 'bytesWritten' in socket ? Number(socket.bytesWritten) : 0;
  if (!/^(?:HPE|ERR_HTTP)_/.test(code) || !socket.writable || written > 0) return void socket.destroy();
  writeProblem(socket, GARBAGE[code]?.() ?? refusal('MALFORMED', 'This is no HTTP request.'));
}

const GARBAGE: Readonly<Record<string, () => ReturnType<typeof refusal>>> = {
  HPE_HEADER_OVERFLOW: () =>
    refusal('HEADERS_TOO_LARGE', `The headers are longer than ${HEADER_BYTES_MAX} bytes.`),
  ERR_HTTP_REQUEST_TIMEOUT: () => refusal('REQUEST_TIMEOUT', 'The request did not come in time.'),
};

function writeProblem(socket: Duplex, { problem }: ReturnType<typeof refusal>): void {
  const text = problemText(problem);
  const title = (JSON.parse(text) as { readonly title: string }).title;
  const headers = [
    `HTTP/1.1 ${problem.status} ${title}`,
    `content-type: ${PROBLEM_TYPE}`,
    `content-length: ${Buffer.byteLength(text)}`,
    'connection: close',
  ];
  socket.end(`${headers.join('\r\n')}\r\n\r\n${text}`);
}
