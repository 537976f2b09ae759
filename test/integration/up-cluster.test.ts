/** Three members of `conclave up` on one Redis, as an operator sees them: health, configuration, an outage, a stop. */
import { request } from 'node:http';
import { mkdirSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { type RedisServer, startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { conclave, PATIENCE_MS } from './conclave-program.ts';
import { type Health, TOKEN, UpMember, writeSettings } from './up-members.ts';

const MODE = '  configuration { mode = "file" }';

describeRedis('three members of one Redis', () => {
  const place = temporaryDirectory();
  let redis: RedisServer;
  let members: UpMember[] = [];
  const each = <T>(ask: (member: UpMember) => Promise<T>) => Promise.all(members.map(ask));
  const leader = () =>
    until(
      'one leads and all know it',
      async () => {
        const all = await each((member) => member.health());
        const known = new Set(all.map(({ body }) => body.results.leader_election.data.leader));
        const found = members.find((_, at) => all[at]?.body.results.leader_election.data.is_leader);
        return known.size === 1 && found !== undefined ? found : null;
      },
      { withinMs: PATIENCE_MS, everyMs: 50 },
    );
  const settled = () =>
    until(
      'all have the same configuration',
      async () => {
        const all = await each((member) => member.config());
        const [first] = all;
        const same = all.every(
          ({ generation, sha }) => generation === first?.generation && sha === first.sha,
        );
        return same && first?.generation ? first : null;
      },
      { withinMs: PATIENCE_MS, everyMs: 50 },
    );

  beforeAll(async () => {
    redis = await startRedis();
    writeSettings(place.path, { more: MODE });
    const start = (name: string) => {
      mkdirSync(join(place.path, name));
      return UpMember.start(name, place.path, ['--dir', name, '--key-prefix', 'app:'], {
        REDIS_CONNECTION_STRING: redis.url,
      });
    };
    members = await UpMember.startAll(['web-1', 'web-2', 'web-3'].map(start));
    await leader();
    await settled();
  });
  afterAll(async () => {
    await each((member) => member[Symbol.asyncDispose]());
    await redis[Symbol.asyncDispose]();
    place[Symbol.dispose]();
  });

  test('health: one is Healthy and leads, two are Degraded, all answer 200 and are ready and alive', async () => {
    const all = await each((member) => member.health());
    expect(all.map(({ status }) => status)).toEqual([200, 200, 200]);
    const results = all.map(({ body }) => body.results.leader_election);
    // What is told of a member's configuration is matched with what is told of its leadership.
    expect(all.map(({ body }) => body.results.configuration?.data.member)).toEqual(
      results.map(({ data }) => data.member),
    );
    expect(results.map(({ status }) => status).toSorted()).toEqual(['Degraded', 'Degraded', 'Healthy']);
    for (const { status, data } of results) expect(data.is_leader).toBe(status === 'Healthy');
    for (const path of ['/health/ready', '/health/live', '/readyz', '/livez'])
      expect((await each((member) => member.ask(path))).map(({ status }) => status)).toEqual([200, 200, 200]);
    const leads = await each(async ({ metricsUrl }) => {
      const text = await (await fetch(metricsUrl)).text();
      return Number(/^conclave_leader_election_is_leader\{resource="orders"\} (\d)$/m.exec(text)?.[1]);
    });
    expect(leads.reduce((sum, one) => sum + one, 0)).toBe(1);
    // Commands learn from members how keys are called.
    const told = await conclave(['status', '--dir', 'web-1'], { cwd: place.path });
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout).toMatch(/leader +web-\d-\w+, term 1/);
  });

  test('an edit of the settings file: what is live is applied by all, what needs a restart is reported', async () => {
    const before = await settled();
    writeSettings(place.path, { lease: 8, renew: 2, port: 9999, more: MODE });
    const states = await each((member) =>
      member.until('has it', async () => {
        const state = await member.config();
        return state.sha !== before.sha && state;
      }),
    );
    expect(new Set(states.map(({ generation, sha }) => `${generation} ${sha}`)).size).toBe(1);
    for (const { running } of members) await running.says(/needs a restart: server\.port/);

    const told = await conclave(
      ['config', 'status', '--dir', 'web-1', '--store', redis.url, '--namespace', 'orders'],
      {
        cwd: place.path,
      },
    );
    expect(told).toMatchObject({ code: 0 });
    const reload = await conclave(['config', 'reload', '--dir', 'web-2', '--json'], { cwd: place.path });
    expect(reload).toMatchObject({ code: 0 });
    expect(JSON.parse(reload.stdout)).toMatchObject({
      reloaded: true,
      members: [{ reports: [{ what: 'settings', outcome: 'unchanged', restart: ['server.port'] }] }],
    });
  });

  test('one request reloads all, and tells that two others were notified', async () => {
    const first = await leader();
    const { status, body } = await first.ask<object>('/admin/metadata/reload', {
      method: 'POST',
      body: JSON.stringify({ notifyOtherInstances: true }),
    });
    expect(status).toBe(200);
    expect(body).toMatchObject({ status: 'unchanged', instancesNotified: 2 });
    const told = await conclave(['config', 'reload', '--url', first.url], {
      cwd: place.path,
      env: { CONCLAVE_TOKEN: TOKEN },
    });
    expect(told).toMatchObject({ code: 0 });
    expect(told.stdout.trim().split('\n')).toHaveLength(3);
  });

  test('an invalid edit changes nothing, and log, command and HTTP tell the place', async () => {
    const before = await settled();
    writeSettings(place.path, { lease: 8, renew: '"soon"', port: 9999, more: MODE });
    const lead = await leader();
    await lead.running.says(/conclave\.hcl:6:\d+: .*renewal_interval_seconds/);
    for (const member of members) {
      const reload = await conclave(['config', 'reload', '--dir', member.name], { cwd: place.path });
      expect(reload).toMatchObject({ code: 1 });
      expect(reload.stdout).toMatch(/conclave\.hcl:6:\d+: .*renewal_interval_seconds/);
      const { status, body } = await member.ask<{ diagnostics: { line: number }[] }>('/v1/config/reload', {
        method: 'POST',
        body: '{}',
      });
      expect(status).toBe(422);
      expect(body.diagnostics).toMatchObject([{ line: 6 }]);
    }
    for (const { sha } of await each((member) => member.config())) expect(sha).toBe(before.sha);
    writeSettings(place.path, { lease: 8, renew: 2, port: 9999, more: MODE });
    await each((member) =>
      member.until(
        'is well again',
        async () => (await member.health()).body.results.configuration?.status === 'Healthy',
      ),
    );
  });

  test('without its Redis each is Unhealthy within a lease and says why; it lives, is ready, and comes back', async () => {
    const isDown = ({ status, body }: { status: number; body: Health }) =>
      status === 503 && body.results.leader_election.status === 'Unhealthy' && body.results.leader_election;
    await redis.kill();
    const results = await each((member) =>
      member.until('is Unhealthy', async () => isDown(await member.health())),
    );
    for (const { exception } of results) expect(exception).toMatch(/./);
    expect((await each((member) => member.ask('/health/live'))).map(({ status }) => status)).toEqual([
      200, 200, 200,
    ]);
    expect((await each((member) => member.ask('/health/ready'))).map(({ status }) => status)).toEqual([
      200, 200, 200,
    ]);
    expect((await each((member) => member.ask('/leader/me'))).map(({ status }) => status)).not.toContain(503);
    await redis.restart();
    await leader();
  });

  test('SIGTERM to the leader: not ready, what is under way finishes, then the lease is handed over, and it ends with 0', async () => {
    const first = await leader();
    const others = members.filter((member) => member !== first);
    const load = loadOn(`${first.url}/health/live`);
    const upload = slowUpload(`${first.url}/v1/config/validate`);
    await upload.begun;
    first.running.kill('SIGTERM');
    await first.until('is not ready', async () => (await first.ask('/health/ready')).status === 503);
    expect(await first.isLeader()).toBe(true);
    expect(first.running.stderr).not.toContain('Leadership lost: stopped');
    upload.finish('a = 1\n');
    expect(await upload.status).not.toBe(0);
    expect(await first.running.ended).toEqual({ code: 0, signal: null });
    const [, lostAt = '0'] = await first.running.says(/"time":(\d+)[^\n]*Leadership lost: stopped/);
    expect((await load.end()).filter((at) => at < Number(lostAt))).toEqual([]);
    const successor = await until('another leads', async () => {
      for (const member of others) if (await member.isLeader()) return member;
      return null;
    });
    members = others;
    expect(first.running.stderr.indexOf('Stopping (SIGTERM)')).toBeLessThan(
      first.running.stderr.indexOf('Leadership lost: stopped'),
    );
    await successor.running.says(/Leadership acquired/);
  });
});

/** Requests one after the other on a few connections; tells when any was not answered. */
function loadOn(url: string) {
  const over = new AbortController();
  const failures: number[] = [];
  const client = async () => {
    while (!over.signal.aborted) {
      try {
        await (await fetch(url)).text();
      } catch {
        failures.push(Date.now());
        return;
      }
    }
  };
  const clients = [client(), client(), client()];
  return {
    end: async () => {
      over.abort();
      await Promise.all(clients);
      return failures;
    },
  };
}

/** A request whose body takes its time. */
function slowUpload(url: string) {
  const begun = Promise.withResolvers<void>();
  const status = Promise.withResolvers<number>();
  const upload = request(url, {
    method: 'POST',
    headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/hcl', expect: '100-continue' },
  });
  upload.on('continue', () => begun.resolve());
  upload.on('response', (response) => {
    response.resume();
    response.on('end', () => status.resolve(response.statusCode ?? 0));
  });
  upload.on('error', (error) => status.reject(error));
  upload.flushHeaders();
  return { begun: begun.promise, status: status.promise, finish: (text: string) => upload.end(text) };
}
