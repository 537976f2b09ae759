/**
 * An election as a Fastify plugin: it joins when the server is ready, hands over when the server closes, and gives
 * routes a way to refuse what only the leader may do.
 *
 *     node --conditions=conclave-source examples/fastify-plugin.ts
 *
 * In an application: `app.register(leadership, { election })`, and `process.once('SIGTERM', () => void app.close())`.
 * Wrap the plugin by `fastify-plugin` if others are to see what it adds. Only the part of Fastify that the plugin needs
 * is described here, so that this runs without it; the long tests register the same plugin with the real one.
 */
import { createLeaderElection, type LeaderElection, memoryLeases } from 'conclave';

interface Reply {
  code(status: number): Reply;
  send(body: unknown): unknown;
}
type Handler = (request: unknown, reply: Reply) => Promise<unknown>;
interface Server {
  addHook(name: 'onReady' | 'onClose', hook: () => Promise<void>): unknown;
  get(path: string, handler: Handler): unknown;
  post(path: string, options: { readonly preHandler: Handler }, handler: Handler): unknown;
}

export async function leadership(
  app: Server,
  { election }: { readonly election: LeaderElection },
): Promise<void> {
  app.addHook('onReady', () => election.start());
  // Comes when requests in flight have ended: they were taken by a leader, and are served by one.
  app.addHook('onClose', () => election.stop());

  app.get('/leader', async () => ({ leads: election.isLeader, leader: election.currentLeader }));
  app.post('/invoices', { preHandler: onlyLeader(election) }, async () => {
    // Asked again, for the request may have waited; what is written carries the token, for it may wait still.
    const { term } = election;
    term?.assertCurrent();
    return { sent: term !== null, token: String(term?.token) };
  });
}

/** 421 (misdirected) tells a client, or a proxy, to ask another member; it is told which. */
function onlyLeader(election: LeaderElection): Handler {
  return async (_request, reply) =>
    election.isLeader ? undefined : reply.code(421).send({ leader: election.currentLeader });
}

/** What Fastify does with hooks and routes, as far as the plugin can tell. */
class StandIn implements Server {
  readonly #hooks = new Map<string, () => Promise<void>>();
  readonly #routes = new Map<string, readonly Handler[]>();

  addHook(name: string, hook: () => Promise<void>): void {
    this.#hooks.set(name, hook);
  }
  get(path: string, handler: Handler): void {
    this.#routes.set(`GET ${path}`, [handler]);
  }
  post(path: string, { preHandler }: { readonly preHandler: Handler }, handler: Handler): void {
    this.#routes.set(`POST ${path}`, [preHandler, handler]);
  }
  ready = () => this.#hooks.get('onReady')?.();
  close = () => this.#hooks.get('onClose')?.();

  async inject(route: string): Promise<string> {
    let status = 200;
    const reply: Reply = { code: (given) => ((status = given), reply), send: (body) => body };
    for (const handler of this.#routes.get(route) ?? []) {
      const body = await handler({}, reply);
      if (body !== undefined) return `${status} ${JSON.stringify(body)}`;
    }
    return '404';
  }
}

await using leases = memoryLeases(); // over several hosts: redisLeases('redis://…')
await using first = createLeaderElection({ resource: 'billing', candidateId: 'first', leases });
await using second = createLeaderElection({ resource: 'billing', candidateId: 'second', leases });
const [one, two] = [new StandIn(), new StandIn()];
await leadership(one, { election: first });
await leadership(two, { election: second });

await one.ready();
await first.whenLeader();
await two.ready();
while (second.currentLeader === null) await new Promise((resolve) => setTimeout(resolve, 5));
console.log('first:', await one.inject('POST /invoices'));
console.log('second:', (await two.inject('POST /invoices')).replace(/"(first)[^"]*"/, '$1'));
await one.close();
await second.whenLeader();
console.log('second, after the first has closed:', await two.inject('POST /invoices'));
await two.close();
