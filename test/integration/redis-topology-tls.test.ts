import { join } from 'node:path';
import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { isCluster } from '../../src/redis/client.ts';
import { type Certificates, makeCertificates } from '../redis/certificates.ts';
import { guardedDirectory } from '../redis/guard.ts';
import { freePort } from '../redis/ports.ts';
import { describeRedis } from '../redis/presence.ts';
import { RedisProcess } from '../redis/redis-process.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { LIBRARIES, opened } from './redis-topology-clients.ts';

let certificates: Certificates & Disposable;
/** Asks for certificates of clients. */
let strict: RedisServer;
/** Does not. */
let lenient: RedisServer;
let plain: RedisServer;

const who = ({ cert, key }: { readonly cert: string; readonly key: string }) =>
  `&tls_cert=${cert}&tls_key=${key}`;

describeRedis.concurrent('a client by TLS', () => {
  beforeAll(async () => {
    certificates = await makeCertificates();
    strict = await startRedis({ tls: { certificates, clientCertificates: true } });
    lenient = await startRedis({ tls: { certificates } });
    plain = await startRedis();
  });
  afterAll(async () => {
    for (const server of [strict, lenient, plain]) await server[Symbol.asyncDispose]();
    certificates[Symbol.dispose]();
  });

  test.each(LIBRARIES)(
    'shows its certificate and checks that of the server (ioredis $version)',
    async ({ library }) => {
      const url = `rediss://127.0.0.1:${strict.port}?tls_ca=${certificates.ca}${who(certificates.client)}`;
      await using opening = await opened(url, { library });
      expect(await (await opening.node()).call('PING')).toBe('PONG');
      expect(opening.errors).toEqual([]);
    },
  );

  test.each(LIBRARIES)('says what is wrong, and goes on trying (ioredis $version)', async ({ library }) => {
    const { ca, otherCa, otherClient } = certificates;
    const cases: readonly (readonly [string, RegExp])[] = [
      [
        `rediss://127.0.0.1:${lenient.port}`,
        /signed by nobody this process trusts; name the authority with tls_ca/,
      ],
      [`rediss://127.0.0.1:${lenient.port}?tls_ca=${otherCa}`, /signed by nobody this process trusts/],
      [
        `rediss://127.0.0.1:${lenient.port}?tls_ca=${ca}&tls_server_name=other.example`,
        /made out to another name/,
      ],
      [
        `rediss://127.0.0.1:${strict.port}?tls_ca=${ca}`,
        /refuses our certificate or the lack of one|wants a certificate of ours/,
      ],
      [
        `rediss://127.0.0.1:${strict.port}?tls_ca=${ca}${who(otherClient)}`,
        /refuses our certificate or the lack of one|wants a certificate of ours/,
      ],
      [`redis://127.0.0.1:${lenient.port}`, /the port expects TLS \(use rediss:\/\/|speaks TLS/],
      [
        `rediss://127.0.0.1:${plain.port}?tls_ca=${ca}&connect_timeout_ms=300`,
        /rediss:\/\/|does not speak TLS/,
      ],
    ];
    for (const [url, message] of cases) {
      await using opening = await opened(url, { library });
      expect((await opening.error()).message).toMatch(message);
      await opening.error(3);
    }
  });

  test('reaches Sentinels and servers by TLS', async () => {
    using directory = guardedDirectory('sentinel-tls');
    const port = await freePort();
    const { ca, server } = certificates;
    const file = join(directory.path, 'sentinel.conf');
    const lines = [
      'port 0',
      `tls-port ${port}`,
      `tls-cert-file ${server.cert}`,
      `tls-key-file ${server.key}`,
      `tls-ca-cert-file ${ca}`,
      'tls-auth-clients optional',
      'tls-replication yes',
      `sentinel monitor main 127.0.0.1 ${lenient.port} 1`,
      '',
    ];
    writeFileSync(file, lines.join('\n'));
    await using sentinel = await RedisProcess.start(
      [file, '--sentinel'],
      { cwd: directory.path },
      /\+monitor master/,
    );
    expect(sentinel.pid).toBeGreaterThan(0);
    await using opening = await opened(`rediss+sentinel://127.0.0.1:${port}/main?tls_ca=${ca}`);
    expect(await (await opening.node()).call('PING')).toBe('PONG');
    await using plainly = await opened(`redis+sentinel://127.0.0.1:${port}/main`);
    await plainly.error(2);
    expect(plainly.client.status).not.toBe('ready');
  });

  test.each(LIBRARIES)('reaches the nodes of a cluster by TLS (ioredis $version)', async ({ library }) => {
    const busPort = String(await freePort());
    const args = ['--cluster-enabled', 'yes', '--tls-cluster', 'yes', '--cluster-port', busPort];
    const announced = ['--cluster-announce-ip', '127.0.0.1'];
    await using node = await startRedis({ tls: { certificates }, args: [...args, ...announced] });
    await node.cli('cluster', 'addslotsrange', '0', '16383');
    await until('it owns all slots', async () => (await node.cli('cluster', 'info')).includes('state:ok'));
    await using opening = await opened(`rediss+cluster://127.0.0.1:${node.port}?tls_ca=${certificates.ca}`, {
      library,
    });
    const { client } = opening;
    if (!isCluster(client)) throw new Error('This is no cluster.');
    await until('the node is connected', () => client.nodes().some(({ status }) => status === 'ready'));
    expect(await client.nodes()[0]?.call('SET', 'key', 'v')).toBe('OK');
    expect(opening.errors).toEqual([]);
  });
});
