import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import { describe, expect, it } from 'vitest';
import {
  bootId,
  candidateId,
  processIncarnation,
  runtimeVersion,
  VERSION,
} from '../../src/runtime/identity.ts';
import { processSecretKey, systemRandomness } from '../../src/runtime/system-randomness.ts';

const text = (path: string) => readFileSync(new URL(`../../${path}`, import.meta.url), 'utf8');

describe('names', () => {
  it('of the runtime are those of the packages', () => {
    expect(VERSION).toBe((JSON.parse(text('package.json')) as { version: string }).version);
    const xstate = createRequire(import.meta.url)('xstate/package.json') as { version: string };
    expect(runtimeVersion()).toBe(`conclave@${VERSION} xstate@${xstate.version}`);
  });

  it('of a boot are the same for every process of it, where the system tells', () => {
    expect(bootId()).toBe(bootId());
    if (process.platform !== 'linux') return;
    const boot = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    expect(bootId()).toMatch(new RegExp(`^${boot}/time:`));
  });

  it('of a process incarnation are host, process and randomness, the same for its life', () => {
    expect(processIncarnation()).toBe(processIncarnation());
    expect(processIncarnation()).toMatch(new RegExp(`^${hostname()}:${process.pid}:[2-9a-z]{16}$`));
  });

  it.each([
    [{ given: 'web-1' }, 'web-1'],
    [{ given: ' a/b c ' }, 'a-b-c'],
    [{ environment: { POD_NAME: 'pod-7' } }, 'pod-7'],
    [{ given: '  ', environment: {} }, `${hostname()}\\.${process.pid}`],
    [{ given: 'x', environment: { POD_NAME: 'pod-7' } }, 'x'],
  ])('of a candidate begin with what people know and are never the same twice: %o', (options, prefix) => {
    const [one, two] = [candidateId(options), candidateId(options)];
    expect(one).not.toBe(two);
    expect(one).toMatch(new RegExp(`^${prefix}-[2-9a-z]{16}$`));
  });
});

describe('the randomness of the system', () => {
  it('makes ids of letters and digits, and numbers below one', () => {
    const ids = new Set(Array.from({ length: 1_000 }, () => systemRandomness.id()));
    expect(ids.size).toBe(1_000);
    for (const id of ids) expect(id).toMatch(/^[2-9a-km-z]{16}$/);
    expect(systemRandomness.unit()).toBeLessThan(1);
  });

  it('keeps one key for the secrets of a process', () => {
    expect(processSecretKey()).toBe(processSecretKey());
    expect(processSecretKey()).toMatch(/^[0-9a-f]{64}$/);
  });
});
