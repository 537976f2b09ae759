/** A stranger with an old Node hears what is wrong, not what it does not know. */
import { expect, test } from 'vitest';
import { checkNode, NODE_MIN } from '../../src/cli/node-version.ts';
import { read } from './repository.ts';

test('the program asks for the Node that package.json and the guide ask for', () => {
  const { engines } = JSON.parse(read('package.json')) as { readonly engines: { readonly node: string } };
  expect(engines.node).toBe(`>=${NODE_MIN}`);
  expect(read('docs/guide.md')).toContain(`Node ${NODE_MIN} or later.`);
});

test.each(['20.20.2', '22.17.1', '18.0.0'])('Node %s is refused', (version) => {
  expect(() => checkNode(version)).toThrow(
    `This is Node ${version}, but Conclave needs ${NODE_MIN} or later`,
  );
});

test.each(['22.18.0', '23.0.0', '24.21.0-nightly'])('Node %s is taken', (version) => {
  expect(() => checkNode(version)).not.toThrow();
});
