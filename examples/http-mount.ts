/**
 * Health and leadership of a member, mounted below a path of an application's own server.
 *
 *     node --conditions=conclave-source examples/http-mount.ts
 *
 * This one is of Hono. In Express: `app.use('/conclave', conclaveListener(conclaveApp({ election })))`. A server of its
 * own, with metrics beside it and limits on what clients may take, is `serveConclave({ election, metrics })`.
 */
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { createLeaderElection, memoryLeases } from 'conclave';
import { conclaveApp, conclaveListener } from 'conclave/server';
import { Hono } from 'hono';

await using leases = memoryLeases(); // over several hosts: redisLeases('redis://…')
await using election = createLeaderElection({ resource: 'billing', candidateId: 'web-1', leases });

const app = new Hono();
app.get('/invoices', (context) => {
  // What only the leader may do is refused elsewhere; 421 tells the client to ask another member.
  const { term } = election;
  return term === null
    ? context.json({ leader: election.currentLeader }, 421)
    : context.json({ token: String(term.token) });
});
// Nobody can change anything over it, for there is no token: `tokens: [{ token, scopes: ['write'] }]`.
app.route('/conclave', conclaveApp({ election }));

const server = createServer(conclaveListener(app));
await once(server.listen(0, '127.0.0.1'), 'listening');
const { port } = server.address() as AddressInfo;
const get = async (path: string) => {
  const response = await fetch(`http://127.0.0.1:${port}${path}`);
  return `${response.status} ${(await response.text()).slice(0, 60)}`;
};

await election.start();
await election.whenLeader();
console.log('invoices:', await get('/invoices'));
// For a load balancer that sends what only the leader may do to the leader: 200 here, 409 on the others.
console.log('leads:', (await get('/conclave/leader/me')).slice(0, 3));
// For a kubelet: whether it is ready has nothing to do with who leads.
console.log('ready:', (await get('/conclave/readyz')).slice(0, 3));
console.log('live:', (await get('/conclave/livez')).slice(0, 3));

// In this order: finish requests, hand over, close.
await election.stop();
console.log('after it has handed over:', await get('/invoices'));
server.closeAllConnections();
server.close();
