/**
 * A leader's requests to an HTTP service, fenced: the service keeps the highest token it has admitted together with
 * its data, and answers 412 to whoever comes with a smaller one.
 *
 *     node --conditions=conclave-source examples/fencing-http.ts
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { text } from 'node:stream/consumers';
import { createLeaderElection, memoryLeases } from 'conclave';
import { checkFencingToken, FENCING_HEADER } from 'conclave/fencing';

/** The service's data and its fence: one object, changed in one step. A service with a database keeps both there. */
const price = { highest: 0n, value: 'none' };

const service = createServer((request, response) => {
  void text(request).then((value) => {
    // After the body has been read: from here to the change nothing else comes in between.
    const check = checkFencingToken(request.headers[FENCING_HEADER], price.highest);
    if (!check.admitted) return response.writeHead(check.status).end(check.message);
    Object.assign(price, { highest: check.token, value });
    return response.writeHead(204).end();
  });
});
await once(service.listen(0, '127.0.0.1'), 'listening');
const { port } = service.address() as AddressInfo;

async function setPrice(value: string, token?: bigint): Promise<string> {
  const headers = token === undefined ? {} : { [FENCING_HEADER]: String(token) };
  const response = await fetch(`http://127.0.0.1:${port}/price`, { method: 'PUT', headers, body: value });
  return `${response.status} ${await response.text()}`.trim();
}

const leases = memoryLeases();
await using first = createLeaderElection({ resource: 'price', candidateId: 'first', leases });
await using second = createLeaderElection({ resource: 'price', candidateId: 'second', leases });

await first.start();
const early = await first.whenLeader();
console.log('first leader:', await setPrice('10', early?.token));

// What the first leader has still on its way when it is replaced arrives late.
await first.stop();
await second.start();
const late = await second.whenLeader();
console.log('second leader:', await setPrice('20', late?.token));
console.log('late request of the first:', await setPrice('30', early?.token));
console.log('without a token:', await setPrice('40'));
console.log('price:', price.value);
service.closeAllConnections();
service.close();
