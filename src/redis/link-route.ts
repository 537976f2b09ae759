import { isCluster, type RedisClient, type RedisCluster, type RedisNode } from './client.ts';
import { hashSlot } from './hash-slot.ts';
import { RedisPeer, type PeerOptions } from './link-peer.ts';

/** How long a look at which node has which slot may take. */
const REFRESH_MAX_MS = 1000;

/** A connection to ask, or why there is none. */
export type Route = { readonly peer: RedisPeer; readonly node: RedisNode } | { readonly error: unknown };

/** Finds the connection that leads to the owner of a key. */
export class RedisRoutes {
  readonly client: RedisClient;
  readonly #options: PeerOptions;
  readonly #whole: RedisPeer;
  readonly #peers = new Map<RedisNode, RedisPeer>();

  constructor(client: RedisClient, options: PeerOptions) {
    this.client = client;
    this.#options = options;
    this.#whole = new RedisPeer(client, options);
  }

  /** The address of the node that has this key, for asking what belongs together at once; '' outside of clusters. */
  ownerOf(key: string): string {
    return isCluster(this.client) ? (this.client.slots[hashSlot(key)]?.[0] ?? '') : '';
  }

  /** The connection for a key, or to the node that another one named; ready, or why not. */
  async to(key: string, address: string | null, deadline: number): Promise<Route> {
    const missing = await this.#whole.untilReady(deadline);
    if (missing !== null) return { error: missing };
    const { client } = this;
    if (!isCluster(client)) return { peer: this.#whole, node: client };
    const wanted = address ?? this.ownerOf(key);
    const node = nodeAt(client, wanted) ?? (await this.#anew(client, key, address));
    if (node === null)
      return { error: new Error(`No node is known that has the slot of ${key} (${wanted || 'no owner'}).`) };
    const peer = this.#peer(node);
    const error = await peer.untilReady(deadline);
    // The owner is not to be had: another may have taken over.
    if (error !== null) void this.refresh();
    return error === null ? { peer, node } : { error };
  }

  /** Has a cluster look again which node has which slot. */
  refresh(): Promise<void> {
    const { client } = this;
    if (!isCluster(client)) return Promise.resolve();
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = this.#options.clock.setTimeout(resolve, REFRESH_MAX_MS);
    client.refreshSlotsCache(() => {
      this.#options.clock.clearTimeout(timer);
      resolve();
    });
    return promise;
  }

  forget(): void {
    this.#whole.forget();
    for (const peer of this.#peers.values()) peer.forget();
  }

  /** The node after another look; one that has just joined and was named by another is not in the slots yet. */
  async #anew(client: RedisCluster, key: string, address: string | null): Promise<RedisNode | null> {
    await this.refresh();
    // Nodes may go by other addresses here than among themselves.
    return (address === null ? null : nodeAt(client, address)) ?? nodeAt(client, this.ownerOf(key));
  }

  #peer(node: RedisNode): RedisPeer {
    const known = this.#peers.get(node);
    if (known) return known;
    for (const [other, peer] of this.#peers) {
      if (other.status !== 'end') continue;
      peer.forget();
      this.#peers.delete(other);
    }
    const peer = new RedisPeer(node, this.#options);
    this.#peers.set(node, peer);
    return peer;
  }
}

function nodeAt(cluster: RedisCluster, address: string): RedisNode | null {
  const found = cluster
    .nodes('all')
    .find(({ options: { host, port } }) => `${host ?? '127.0.0.1'}:${port ?? 6379}` === address);
  return found ?? null;
}
