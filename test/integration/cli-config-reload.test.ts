/** `conclave config` beside members: whom it asks first, and what it opens their store by. */
import { mkdirSync } from 'node:fs';
import { expect, test } from 'vitest';
import { askOverSockets } from '../../src/cli/config-reload-sockets.ts';
import { ControlServer } from '../../src/cli/control-server.ts';
import { claimSocket } from '../../src/cli/control-sockets.ts';
import { textOfStore } from '../../src/cli/lease-stores.ts';
import { placesIn } from '../../src/cli/member-places.ts';
import { temporaryDirectory } from '../project/repository.ts';

/** What a member answers; a reload is asked of it in `order`, and takes a moment. */
function member(directory: string, name: string, role: 'leader' | 'follower', order: string[]) {
  const nothing = () => null;
  return ControlServer.listen(claimSocket(placesIn(directory).members, name), {
    status: () => ({ member: name, resource: 'billing', role }),
    reload: async () => {
      order.push(`${name} begins`);
      await new Promise((resolve) => setImmediate(resolve));
      order.push(`${name} ends`);
      return [];
    },
    resign: nothing,
    pause: nothing,
    resume: nothing,
    config: nothing,
    stop: nothing,
  });
}

test('who leads reloads first: what its file says is what the others are to look for', async () => {
  using directory = temporaryDirectory();
  mkdirSync(placesIn(directory.path).members, { recursive: true });
  const order: string[] = [];
  await using members = new AsyncDisposableStack();
  for (const name of ['web-1', 'web-2', 'web-3'])
    members.use(await member(directory.path, name, name === 'web-2' ? 'leader' : 'follower', order));
  const answers = await askOverSockets({ wait: 60_000 }, directory.path);
  expect(order.slice(0, 2)).toEqual(['web-2 begins', 'web-2 ends']);
  expect(order).toHaveLength(6);
  expect(answers.map((answer) => answer.member).toSorted()).toEqual(['web-1', 'web-2', 'web-3']);
});

test('a store is opened by what a member beside it was started with, if that is the same', () => {
  const name = 'redis://:***@redis:6379';
  const own = 'redis://:hunter2@redis:6379';
  expect(textOfStore(name, {})).toBeNull();
  expect(textOfStore(name, { REDIS_CONNECTION_STRING: own })).toBe(own);
  expect(textOfStore(name, { REDIS_CONNECTION_STRING: 'redis://:hunter2@other:6379' })).toBeNull();
  expect(textOfStore(name, { REDIS_CONNECTION_STRING: 'redis://' })).toBeNull();
  expect(textOfStore(name, { CONCLAVE_STORE: own, REDIS_CONNECTION_STRING: 'x' })).toBe(own);
  expect(textOfStore('redis://redis:6379', { REDIS_CONNECTION_STRING: own })).toBe('redis://redis:6379');
});
