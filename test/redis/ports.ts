import { randomInt } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:net';

/** Below the range from which systems take ports for outgoing connections: nobody else comes upon these by chance. */
const FIRST_PORT = 11_000;
const LAST_PORT = 31_000;
const TRIES_MAX = 200;

/** A port of this host that nobody listens on, chosen at random so that test files that run at once do not meet. */
export async function freePort(): Promise<number> {
  for (let tries = 0; tries < TRIES_MAX; tries += 1) {
    const port = randomInt(FIRST_PORT, LAST_PORT);
    const server = createServer();
    try {
      server.listen(port, '127.0.0.1');
      await once(server, 'listening');
      return port;
    } catch {
      continue;
    } finally {
      server.close();
    }
  }
  throw new Error(`${TRIES_MAX} ports between ${FIRST_PORT} and ${LAST_PORT} were all taken.`);
}
