/** The health check of the container image, beside real members. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { root, run, temporaryDirectory } from '../project/repository.ts';
import { makeCertificates } from '../redis/certificates.ts';
import { UpMember } from './up-members.ts';

const check = (cwd: string) => run(process.execPath, [join(root, 'scripts/image-health.ts')], cwd);

test('finds a member with certificates on any port; not one that is frozen, killed or was never there', async () => {
  using place = temporaryDirectory();
  using certificates = await makeCertificates();
  expect(await check(place.path)).toMatchObject({ code: 1 });
  const { cert, key } = certificates.server;
  const server = `server {\n port = 0\n metrics_port = 0\n certificates {\n cert_file = "${cert}"\n key_file = "${key}"\n }\n }`;
  writeFileSync(join(place.path, 'conclave.hcl'), `conclave {\n store = "memory"\n ${server}\n}\n`);
  await using member = await UpMember.start('web-1', place.path);
  expect(member.url).toMatch(/^https:/);
  const alive = await check(place.path);
  expect(alive, alive.stderr).toMatchObject({ code: 0 });
  member.running.kill('SIGSTOP');
  expect(await check(place.path)).toMatchObject({ code: 1 });
  member.running.kill('SIGCONT');
  member.running.kill('SIGKILL');
  await member.running.ended;
  expect(await check(place.path)).toMatchObject({ code: 1 });
});
