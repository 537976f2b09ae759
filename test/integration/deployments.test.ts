/** The deployment of docs/operations.md that needs nothing else: one member, as started there. */
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { agreed, contents, DocumentedMember, documentedSettings, writeLevel } from './documented-members.ts';

test('a single member watches its file, and needs no Redis', async () => {
  using directory = temporaryDirectory();
  const place = join(directory.path, 'billing');
  mkdirSync(place);
  writeLevel(place, 'info');
  const settings = documentedSettings('**One member').replace('/etc/billing', place);
  await using member = await DocumentedMember.start({ id: 'web-1', cwd: directory.path, settings });
  const before = await agreed([member], '');
  writeLevel(place, 'debug');
  const after = await agreed([member], before);
  // What cannot be read changes nothing, and the reason has a place.
  writeFileSync(join(place, 'billing.hcl'), 'log { level = \n');
  await member.running.says(/Failed to reload configuration: .*billing\.hcl:\d+:\d+.*while parsing/);
  expect(await contents([member])).toEqual([after]);
  expect((await member.get('/health/ready')).status).toBe(200);
});
