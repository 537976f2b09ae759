/**
 * A rolling restart of three members behind their readiness, as a Deployment with `maxUnavailable: 0` does it: a new one
 * is started, and only when it is ready an old one is told to go. The journals of all six are the judge.
 */
import { readdirSync } from 'node:fs';
import { join } from 'node:path';
import { expect, test } from 'vitest';
import { temporaryDirectory } from '../project/repository.ts';
import { describeRedis } from '../redis/presence.ts';
import { startRedis } from '../redis/redis-server.ts';
import { until } from '../redis/until.ts';
import { conclave } from './conclave-program.ts';
import { DocumentedMember, documentedSettings } from './documented-members.ts';
import { ledBefore } from './redis-led-before.ts';

interface Merged {
  readonly overlaps: readonly unknown[];
  readonly contradictions: readonly unknown[];
  readonly beliefs: readonly { readonly token: string }[];
  readonly successions: readonly { readonly gapMs: number }[];
}

describeRedis('a rolling restart', () => {
  test('never has two leaders, and lets no lease run out', async () => {
    await using redis = await startRedis();
    await ledBefore(redis.url, 'billing');
    using directory = temporaryDirectory();
    const cwd = directory.path;
    const settings = documentedSettings('A settings file for production is short');
    const start = (id: string) =>
      DocumentedMember.start({ id, cwd, settings, redis: redis.url, lease: '15s' });
    const ready = (member: DocumentedMember) => until(`${member.id} is ready`, () => member.isReady());

    await using stack = new AsyncDisposableStack();
    const old = await Promise.all(['old-1', 'old-2', 'old-3'].map(start));
    for (const member of old) stack.use(member);
    const members = [...old];
    for (const member of old) await ready(member);
    await Promise.all(old.map(({ running }) => running.says(/Leadership acquired|New leader observed/)));

    const takeOvers: Awaited<ReturnType<DocumentedMember['takeOvers']>>[] = [];
    for (const number of [1, 2, 3]) {
      const next = stack.use(await start(`new-${number}`));
      members.push(next);
      await ready(next);
      await next.running.says(/Leadership acquired|New leader observed/);
      // Whoever leads goes first, so that there is as much to hand over as can be.
      const leads = await Promise.all(old.map((member) => member.leads()));
      const [going] = old.splice(Math.max(leads.indexOf(true), 0), 1);
      if (going !== undefined) takeOvers.push(await going.takeOvers());
      going?.running.kill('SIGTERM');
      expect(await going?.running.ended).toEqual({ code: 0, signal: null });
    }
    for (const member of members.slice(3)) takeOvers.push(await member.takeOvers());
    const status = await conclave(['status', '--json'], { cwd });
    expect(status.code, status.stderr).toBe(0);
    expect(JSON.parse(status.stdout)).toMatchObject({ leader: expect.stringMatching(/^new-/) as unknown });

    const journals = join(cwd, '.conclave/journal');
    const { code, stdout, stderr } = await conclave(['journal', 'merge', '--json', ...filesIn(journals)], {
      cwd,
    });
    expect(code, stdout + stderr).toBe(0);
    const { overlaps, contradictions, beliefs, successions } = JSON.parse(stdout) as Merged;
    expect({ overlaps, contradictions }).toEqual({ overlaps: [], contradictions: [] });
    // Whoever led at first is gone, so that there was one hand-over at least, and at most one for each old member.
    expect(successions.length).toBeGreaterThanOrEqual(1);
    expect(successions.length).toBeLessThanOrEqual(3);
    expect(beliefs.map(({ token }) => BigInt(token))).toEqual(
      beliefs.map(({ token }) => BigInt(token)).toSorted((a, b) => (a < b ? -1 : 1)),
    );
    // Handed over each time: no lease ran out, and none was taken from a living leader.
    const sum = (kind: 'handover' | 'expiry') => takeOvers.reduce((total, each) => total + each[kind], 0);
    expect({ handover: sum('handover'), expiry: sum('expiry') }).toEqual({
      handover: successions.length,
      expiry: 0,
    });
    for (const { running } of members)
      expect(running.stderr).not.toMatch(/Leadership lost: (?!stopped|released)/);
    console.log(`hand-overs: ${successions.map(({ gapMs }) => `${gapMs.toFixed(1)} ms`).join(', ')}`);
  });
});

const filesIn = (directory: string): string[] =>
  readdirSync(directory)
    .filter((name) => name.endsWith('.db'))
    .map((name) => join(directory, name));
