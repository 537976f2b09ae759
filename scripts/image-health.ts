/**
 * The health check of the container image: ends with 0 if the member of this container is alive, else with 1. It asks
 * the member itself, by its control socket, where it listens: so it holds for every port, address and certificate.
 */
import { readdirSync, readFileSync } from 'node:fs';
import { get as getPlain } from 'node:http';
import { get as getSecure } from 'node:https';
import { createConnection } from 'node:net';
import { join } from 'node:path';

/** Less than the health check may take. */
const PATIENCE_MS = 4000;

const directory = join(process.env['CONCLAVE_DIR'] || '.conclave', 'members');

/** Sockets of members that run here, and of some that were killed. */
function sockets(): readonly string[] {
  return readdirSync(directory).flatMap((name) => {
    const path = join(directory, name);
    if (name.endsWith('.sock')) return [path];
    return name.endsWith('.pointer') ? [readFileSync(path, 'utf8').trim()] : [];
  });
}

/** Where the member behind a socket answers over HTTP. */
function serviceOf(socket: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const connection = createConnection(socket);
    let received = '';
    connection.setEncoding('utf8');
    connection.on('error', reject);
    connection.on('connect', () => connection.write('{"id":1,"command":"status"}\n'));
    connection.on('data', (chunk: string) => {
      received += chunk;
      if (!received.includes('\n')) return;
      connection.destroy();
      const { result } = JSON.parse(received) as { result?: { http?: { service?: string } | null } };
      const service = result?.http?.service;
      if (service === undefined) reject(new Error('it does not say where it listens'));
      else resolve(service);
    });
    connection.on('close', () => reject(new Error('it said nothing')));
  });
}

/** The certificate is the member's own, for a name that is another one here. */
function isAlive(service: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const url = new URL('/health/live', service);
    const answered = (response: { readonly statusCode?: number | undefined; resume(): void }) => {
      response.resume();
      resolve(response.statusCode === 200);
    };
    const request =
      url.protocol === 'https:'
        ? getSecure(url, { rejectUnauthorized: false }, answered)
        : getPlain(url, answered);
    request.on('error', reject);
  });
}

setTimeout(() => process.exit(1), PATIENCE_MS);
try {
  const asked = sockets().map(async (socket) => isAlive(await serviceOf(socket)));
  process.exit((await Promise.any(asked)) ? 0 : 1);
} catch {
  process.exit(1);
}
