/** A first configuration that is refused where there is nothing to go back to. */
import { mkdir, mkdtemp, readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { describe, expect, test } from 'vitest';
import { createConfigReload } from '../../src/config.ts';
import { ROUND_MS, useCluster } from './config-handle-cluster-members.ts';
import { type Config, MemorySource, schema, shaOf } from './config-handle-members.ts';

describe('a member that starts where a configuration is shared which it refuses', () => {
  const cluster = useCluster();
  const { member, started, inForce, headNow } = cluster;
  const handlers = [
    {
      name: 'db',
      prepare: ({ port }: Config) => {
        if (port === 1) throw new Error('not here');
        return { commit() {} };
      },
    },
  ];

  /** The configuration with port 1 is shared, and nobody runs. */
  const shared = async () => {
    const [only] = await started(1, { port: 1 });
    await only?.stop();
    cluster.reloads = [];
  };

  test('proposes its corrected file as it comes to lead', async () => {
    await shared();
    const next = member({ port: 2 }, { handlers });
    const starting = next.start();
    await cluster.pass(2 * ROUND_MS);
    expect(await starting).toMatchObject({ port: 2 });
    expect(inForce()).toEqual([[2, 2]]);
  });

  test('is told why if it has nothing else', async () => {
    await shared();
    const next = member({ port: 1 }, { handlers });
    const starting = expect(next.start()).rejects.toThrow(/no earlier one to go on with:\n.*not here/);
    await cluster.pass(2 * ROUND_MS);
    await starting;
    expect(await headNow()).toMatchObject({ generation: 1, sha: shaOf({ port: 1 }) });
  });

  test('is told why if another leads', async () => {
    await started(1, { port: 1 });
    const next = member({ port: 2 }, { handlers });
    const starting = expect(next.start()).rejects.toThrow(/not here/);
    await cluster.pass(2 * ROUND_MS);
    await starting;
    expect(await headNow()).toMatchObject({ generation: 1 });
  });

  /** Lets time pass for as long as something takes that also waits for a disk. */
  const passing = async <T>(waited: Promise<T>): Promise<T> => {
    const ended = new Set<unknown>();
    void waited.finally(() => ended.add(waited)).catch(() => {});
    while (ended.size === 0) await cluster.pass(500);
    return waited;
  };

  test('is told why if its last good one is refused, too', async () => {
    const stateDir = await mkdtemp(join(tmpdir(), 'conclave-config-'));
    try {
      const before = member({ port: 3 }, { stateDir, timings: { healthMs: 0 } });
      await passing(before.start());
      await passing(before.stop());
      const [other] = await started(1, { port: 1 });
      expect(await headNow()).toMatchObject({ sha: shaOf({ port: 1 }) });
      const refusing = { name: 'new version', prepare: () => Promise.reject(new Error('not any more')) };
      const next = member({ port: 3 }, { stateDir, handlers: [refusing] });
      await expect(passing(next.start())).rejects.toThrow(/not any more/);
      expect(next.actor.getSnapshot().context.lastGood).toMatchObject({ sha: shaOf({ port: 3 }) });
      await passing(Promise.all([next.stop(), other?.stop()]));
    } finally {
      await rm(stateDir, { recursive: true });
    }
  });

  test('may be stopped while it waits for a leader', async () => {
    await shared();
    cluster.leases.acquire = () => Promise.reject(new Error('no route'));
    const next = member({ port: 2 }, { handlers });
    const starting = expect(next.start()).rejects.toThrow(/not here/);
    await cluster.pass(500);
    const stopping = next.stop();
    await cluster.pass(60_000);
    await Promise.all([stopping, starting]);
  });
});

test('what may have killed the process that took it first is refused, with the ways out, until it is another', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-config-'));
  const [before, after] = [join(directory, 'before'), join(directory, 'after')];
  const source = new MemorySource().write({ port: 1 });
  const started = async (stateDir: string) => {
    await using reload = createConfigReload({ source, schema, stateDir });
    await reload.start();
    return await readFile(join(stateDir, 'state.json'), 'utf8');
  };
  try {
    // As a process leaves it that is killed now.
    const left = { ...(JSON.parse(await started(before)) as object), claim: null };
    await mkdir(after);
    await writeFile(join(after, 'state.json'), JSON.stringify(left));
    for (let lap = 0; lap < 2; lap += 1) {
      const refused = await started(after).catch((error: unknown) => error);
      expect(refused).toMatchObject({ code: 'CONFIG_INVALID', diagnostics: [{ code: 'CONFIG_CRASHED' }] });
      const { message } = refused as Error;
      expect(message).toContain('change the file (a comment is enough)');
      expect(message).toContain(`remove ${after} and start it again`);
    }
    source.write({ port: 2 });
    await started(after);
    source.write({ port: 1 });
    await rm(after, { recursive: true });
    await started(after);
  } finally {
    await rm(directory, { recursive: true });
  }
});

test('an unusable configuration is refused at once where the last good one is gone', async () => {
  const directory = await mkdtemp(join(tmpdir(), 'conclave-config-'));
  const source = new MemorySource().write({ port: 1 });
  const options = { source, schema, stateDir: directory, timings: { healthMs: 0 } };
  try {
    {
      await using reload = createConfigReload(options);
      await reload.start();
    }
    source.write('{"port": "x"}');
    {
      await using reload = createConfigReload(options);
      expect(await reload.start()).toMatchObject({ port: 1 });
    }
    for (const name of await readdir(directory)) if (name.startsWith('good')) await rm(join(directory, name));
    await using reload = createConfigReload(options);
    await expect(reload.start()).rejects.toThrow(/no earlier one to go on with:\n.*app\.json:1:10: port/);
  } finally {
    await rm(directory, { recursive: true });
  }
});
