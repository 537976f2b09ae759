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
/** How long a client may take for its headers, in milliseconds. */
export const HEADERS_MS = 10_000;
/** How long it may take for the whole request. */
export const REQUEST_MS = 30_000;
/** How long a connection is kept for a next request. */
export const KEEP_ALIVE_MS = 5000;
/** A connection on which nothing moves for this long is closed; streams send a heartbeat more often. */
export const IDLE_MS = 90_000;
/** How often Node looks for requests that take too long. */
const LOOK_MS = 1000;
/** Most connections at one time; more are refused. */
export const CONNECTIONS_MAX = 1000;

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
export function conclaveListener(
  app: Hono,
): (incoming: IncomingMessage, outgoing: ServerResponse) => Promise<void> {
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
  return (incoming, outgoing) => serve(incoming, outgoing);
}

export function nodeServer(app: Hono, certificates: CertificateOptions | null): Server {
  const options = {
    maxHeaderSize: HEADER_BYTES_MAX,
    headersTimeout: HEADERS_MS,
    requestTimeout: REQUEST_MS,
    keepAliveTimeout: KEEP_ALIVE_MS,
    connectionsCheckingInterval: LOOK_MS,
    // Answered by us, with a problem.
    requireHostHeader: false,
  };
  const listener = conclaveListener(app);
  const onRequest = (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const hosts = incoming.rawHeaders.filter((name, at) => at % 2 === 0 && name.toLowerCase() === 'host');
    if (hosts.length === (incoming.httpVersion === '1.0' ? Math.min(hosts.length, 1) : 1))
      return void listener(incoming, outgoing);
    const { problem } = refusal('MALFORMED', 'A request needs exactly one Host header.');
    outgoing.writeHead(400, { 'content-type': PROBLEM_TYPE, connection: 'close' });
    return outgoing.end(problemText(problem));
  };
  const server =
    certificates === null
      ? createServer(options, onRequest)
      : createSecureServer(
          { ...options, ...certificates, requestCert: certificates.ca !== undefined },
          onRequest,
        );
  server.maxConnections = CONNECTIONS_MAX;
  server.setTimeout(IDLE_MS);
  server.on('clientError', answerGarbage);
  server.on('connect', (_: IncomingMessage, socket: Duplex) => {
    writeProblem(socket, refusal('METHOD_NOT_ALLOWED', 'This is no proxy.'));
  });
  server.on('checkExpectation', (_, outgoing) => {
    const { problem } = refusal('EXPECTATION', 'Only Expect: 100-continue is met.');
    outgoing.writeHead(problem.status, { 'content-type': PROBLEM_TYPE, connection: 'close' });
    outgoing.end(problemText(problem));
  });
  return server;
}

/** What Node cannot make a request of. */
function answerGarbage({ code = '' }: NodeJS.ErrnoException, socket: Duplex): void {
  // Nobody is there any more, or the answer has begun.
  const written = 'bytesWritten' in socket ? Number(socket.bytesWritten) : 0;
  if (code === 'ECONNRESET' || !socket.writable || written > 0) return void socket.destroy();
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
