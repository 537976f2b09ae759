import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { createActor } from 'xstate';
import { configReloadMachine, RELOAD_TIMINGS } from '../../machines/index.ts';
import { fileSha } from '../../src/config/fingerprint.ts';
import { SWEEP_MS, SWEEP_REMOTE_MS } from '../../src/config/watch.ts';
import { fileChanges } from '../../src/streams/file-changes.ts';
import { CHANGED, INPUT } from '../machines/config-reload-member.ts';
import { DIRECTORY, ELSEWHERE, PATH, QUIET_MS, World } from './config-watch-world.ts';
import type { Weather } from './config-watch-disk.ts';

/** The watch over a disk in memory, on a virtual clock: changes in the middle of looks, lost hints, failing disks. */

/** What happens to the file, by name. */
const deeds: Readonly<Record<string, (world: World, size: number) => void>> = {
  write: (world, size) => world.disk.write(PATH, world.fresh(size)),
  empty: (world) => world.disk.write(PATH, ''),
  replace: (world, size) => world.disk.replace(PATH, world.fresh(size)),
  remove: (world) => world.disk.remove(PATH),
  touch: (world) => world.disk.touch(PATH),
  'forge one of the same size': ({ disk }, size) => {
    const text = disk.textAt(PATH);
    if (text !== null) disk.forge(PATH, text.replaceAll(/\d/g, String(size % 10)));
  },
  'remove the directory': (world) => world.disk.remove(DIRECTORY),
  'make the directory': (world) => world.disk.makeDirectory(DIRECTORY),
  'link elsewhere': (world) => world.disk.linkTo(PATH, ELSEWHERE),
  'write elsewhere': (world, size) => world.disk.write(ELSEWHERE, world.fresh(size)),
  'remove elsewhere': (world) => world.disk.remove(ELSEWHERE),
};

const course = fc.array(
  fc.record({
    afterMs: fc.oneof(fc.nat(12), fc.nat(300), fc.nat(3000)),
    deed: fc.constantFrom(...Object.keys(deeds)),
    size: fc.nat(12),
  }),
  { maxLength: 25 },
);

const weather: fc.Arbitrary<Weather> = fc.record({
  lostHints: fc.constantFrom(0, 0.5, 1),
  errors: fc.constantFrom(0, 0, 0.05),
});

describe('a watch', () => {
  test.prop([fc.nat(), course, weather], { numRuns: 150 })(
    'has told of what is there two sweeps after it came to rest, whatever went wrong before',
    async (seed, steps, storm) => {
      const world = new World(seed);
      const { disk } = world;
      disk.weather = storm;
      world.start();
      for (const { afterMs, deed, size } of steps) {
        await world.run(afterMs);
        deeds[deed]?.(world, size);
      }
      // Hints stay lost; a disk that goes on failing cannot be read.
      disk.weather = { ...storm, errors: 0 };
      await world.run(QUIET_MS);
      expect(world.read).toBe(disk.textAt(PATH) ?? 'missing');
      expect(world.watch.status.holding).toBeNull();
      if (storm.errors === 0) expect(world.watch.status.lastError).toBeNull();
      expect(world.watch.status.degraded.map(({ reason }) => reason)).not.toContain('stalled');
      world.watch.stop();
      await world.run(QUIET_MS);
      expect([world.clock.pending, disk.watched]).toEqual([0, 0]);
    },
  );

  const dip = fc.record({
    // A sweep sees it whole in between: two at the same moment of two sweeps in a row, and no hint, look like one.
    afterMs: fc.integer({ min: 1.3 * SWEEP_MS, max: 3 * SWEEP_MS }),
    how: fc.constantFrom('remove', 'empty', 'halve', 'remove the directory'),
    forMs: fc.nat(0.35 * SWEEP_MS),
  });
  test.prop([fc.nat(), fc.array(dip, { maxLength: 8 }), fc.constantFrom(0, 0.5, 1)], { numRuns: 100 })(
    'tells nothing of a file that is gone, empty or cut for less than a third of a sweep',
    async (seed, dips, lostHints) => {
      const content = 'port=1\n'.repeat(10);
      const world = new World(seed, content);
      world.disk.weather = { lostHints, errors: 0 };
      world.start();
      await world.run(100);
      for (const { afterMs, how, forMs } of dips) {
        await world.run(afterMs);
        if (how === 'halve') world.disk.write(PATH, content.slice(0, 30));
        else deeds[how]?.(world, 0);
        await world.run(forMs);
        world.disk.makeDirectory(DIRECTORY);
        world.disk.write(PATH, content);
      }
      await world.run(QUIET_MS);
      expect(world.told).toEqual(['file.changed']);
      world.watch.stop();
    },
  );

  test.prop([fc.nat(), course], { numRuns: 50 })(
    'tells nothing while the bytes stay the same, however often they are written',
    async (seed, steps) => {
      const content = 'port=1\n'.repeat(10);
      const world = new World(seed, content);
      world.start();
      for (const { afterMs, size } of steps) {
        await world.run(afterMs);
        if (size % 3 === 0) world.disk.touch(PATH);
        else if (size % 3 === 1) world.disk.replace(PATH, content);
        else world.disk.write(PATH, content);
      }
      await world.run(QUIET_MS);
      expect(world.told).toEqual(['file.changed']);
      world.watch.stop();
    },
  );

  it('finds two writes of one size within one step of the disk’s clock', async () => {
    for (let seed = 0; seed < 20; seed += 1) {
      const world = new World(seed);
      world.start();
      await world.run(5000);
      world.disk.weather = { lostHints: 1, errors: 0 };
      world.disk.write(PATH, 'port=1'.repeat(10));
      world.watch.lookNow();
      await world.run(35);
      expect(world.read).not.toBe('port=0'.repeat(10));
      world.disk.write(PATH, 'port=2'.repeat(10));
      await world.run(QUIET_MS);
      expect(world.read).toBe('port=2'.repeat(10));
      world.watch.stop();
    }
  });

  it('finds a rewrite of the same size and the old modification time that no hint told of', async () => {
    const world = new World(1);
    world.start();
    world.disk.weather = { lostHints: 1, errors: 0 };
    await world.run(5000);
    world.disk.forge(PATH, 'port=1'.repeat(10));
    await world.run(QUIET_MS);
    expect(world.read).toBe('port=1'.repeat(10));
    world.watch.stop();
  });

  it('tells of what was there before, if another content was read in between', async () => {
    const world = new World(1);
    world.start();
    await world.run(5000);
    const before = world.disk.textAt(PATH)!;
    world.disk.weather = { lostHints: 1, errors: 0 };
    world.disk.write(PATH, world.fresh(10));
    const reading = world.watch.read();
    await world.run(50);
    expect(await reading).toMatchObject({ kind: 'read' });
    world.disk.write(PATH, before);
    await world.run(QUIET_MS);
    expect(world.told).toEqual(['file.changed', 'file.changed']);
    expect(world.read).toBe(before);
    world.watch.stop();
  });

  it('finds without a sweep what changed between the first look and the first hint', async () => {
    const world = new World(1, 'port=1', 3_600_000, fileSha(Buffer.from('port=1')));
    const { disk } = world;
    const watch = disk.watch.bind(disk);
    let watched = 0;
    disk.watch = (...asked) => {
      watched += 1;
      if (watched === 1) disk.write(PATH, 'port=2');
      return watch(...asked);
    };
    world.start();
    await world.run(10_000);
    expect([world.told, world.read]).toEqual([['file.changed'], 'port=2']);
    world.watch.stop();
  });

  it.each([
    ['ext4', null, SWEEP_MS],
    ['nfs4', 'nfs4', SWEEP_REMOTE_MS],
  ])('on %s sweeps at its interval, give or take a fifth', async (type, remote, intervalMs) => {
    const world = new World(1);
    world.disk.mountinfo = () => Promise.resolve(`1 0 8:1 / / rw - ${type} x rw\n`);
    world.start();
    await world.run(2 * SWEEP_MS);
    expect(world.watch.status).toMatchObject({ remote, sweepMs: intervalMs });
    const times: number[] = [];
    let { sweeps } = world.watch.status;
    world.watch.statuses.subscribe((status) => {
      if (status.sweeps > sweeps) times.push(world.clock.nowMs);
      sweeps = status.sweeps;
    });
    await world.run(100 * intervalMs);
    const gaps = times.slice(1).map((time, index) => time - times[index]!);
    // What a look takes comes on top.
    expect(Math.min(...gaps)).toBeGreaterThan(0.79 * intervalMs);
    expect(Math.max(...gaps)).toBeLessThan(1.21 * intervalMs);
    expect(Math.max(...gaps) - Math.min(...gaps)).toBeGreaterThan(0.3 * intervalMs);
    world.watch.stop();
  });

  it('tells of each file that the configuration refers to, also of two in one look', async () => {
    const world = new World(1);
    const { disk, watch } = world;
    for (const path of ['/srv/a', '/srv/b']) disk.write(path, 'old');
    watch.depend([{ path: '/srv/a' }, { path: '/srv/b' }]);
    world.start();
    await world.run(5000);
    // Who was told of the first has read the second already when that changes.
    watch.changes.subscribe(() => disk.write('/srv/b', 'new'));
    disk.write('/srv/a', 'new');
    await world.run(QUIET_MS);
    expect(world.told).toEqual(['file.changed', 'dependencies.changed', 'dependencies.changed']);
    watch.stop();
  });

  it('believes what is suspicious at a sweep, not because it was looked at often', async () => {
    const world = new World(1);
    world.start();
    await world.run(100);
    world.disk.remove(PATH);
    // The first sweep comes no earlier than 1600 ms after the start.
    for (let ms = 0; ms < 1400; ms += 100) {
      world.watch.lookNow();
      await world.run(100);
    }
    expect(world.told).toEqual(['file.changed']);
    expect(world.watch.status).toMatchObject({ sweeps: 0, holding: { location: PATH } });
    await world.run(QUIET_MS);
    expect(world.told).toEqual(['file.changed', 'file.missing']);
    world.watch.stop();
  });

  it('does not hold late hints against the system', async () => {
    const world = new World(1);
    const { disk, clock } = world;
    const watch = disk.watch.bind(disk);
    disk.watch = (path, onHint) => watch(path, (hint) => void clock.setTimeout(() => onHint(hint), 100));
    world.start();
    await world.run(100);
    for (let change = 0; change < 300; change += 1) {
      disk.replace(PATH, world.fresh(10));
      await world.run(1370);
    }
    expect(world.watch.status.sweeps).toBeGreaterThan(100);
    expect(world.watch.status).toMatchObject({ changes: 301, foundBySweep: 0, errors: 0 });
    world.watch.stop();
  });

  it('reports a disk that does not answer, asks it once only, and goes on when it does', async () => {
    const world = new World(1);
    const answers: (() => void)[] = [];
    let hangs = false;
    const { disk } = world;
    const entry = disk.entry.bind(disk);
    disk.entry = async (path) => {
      if (hangs) await new Promise<void>((resolve) => answers.push(resolve));
      return entry(path);
    };
    world.start();
    await world.run(1000);
    hangs = true;
    disk.replace(PATH, world.fresh(10));
    await world.run(60_000);
    expect(world.watch.status.degraded).toMatchObject([{ reason: 'stalled' }]);
    expect(answers).toHaveLength(1);
    hangs = false;
    answers[0]?.();
    await world.run(QUIET_MS);
    expect(world.read).toBe(disk.textAt(PATH));
    expect(world.watch.status.degraded).toEqual([]);
    world.watch.stop();
  });

  it('looks twenty times a second at most, whoever writes how often', async () => {
    const world = new World(1);
    world.start();
    for (let written = 0; written < 1000; written += 1)
      world.at(written, () => world.disk.write(PATH, world.fresh(10)));
    await world.run(1000);
    expect(world.watch.status.hints).toBeGreaterThan(500);
    expect(world.watch.status.looks).toBeLessThanOrEqual(22);
    world.watch.stop();
  });
});

describe('the chart behind a watch', () => {
  it('reads a file that is written in pieces once, after the last', async () => {
    const world = new World(1);
    const { clock, disk, watch } = world;
    const tried: string[] = [];
    const at = () => clock.monotonicMs();
    const read = async (attempt: number) => {
      const reading = await watch.read();
      if (reading.kind !== 'read') throw new Error(reading.kind);
      const { sha, sizeBytes: size, files } = reading;
      tried.push(Buffer.from(files[0]!.bytes).toString());
      actor.send({ type: 'content.read', at: at(), attempt, sha, size, where: PATH, dependencies: null });
    };
    const actor = createActor(
      configReloadMachine.provide({
        actions: {
          requestRead: (_, { attempt }: { attempt: number }) => {
            void read(attempt);
          },
          requestParse: (_, { attempt }: { attempt: number }) =>
            void clock.setTimeout(
              () => actor.send({ type: 'content.parsed', at: at(), attempt, dependencies: null }),
              1,
            ),
          requestCheck: (_, { attempt }: { attempt: number }) =>
            void clock.setTimeout(
              () => actor.send({ type: 'content.checked', at: at(), attempt, changed: CHANGED }),
              1,
            ),
        },
      }),
      { clock, input: { ...INPUT, timings: RELOAD_TIMINGS } },
    ).start();
    fileChanges(watch, clock).subscribe((event) => actor.send(event));
    await world.run(5000);
    const pieces = Array.from({ length: 10 }, () => world.fresh(2));
    disk.write(PATH, '');
    for (let written = 1; written <= pieces.length; written += 1)
      world.at(written * 250, () => disk.write(PATH, pieces.slice(0, written).join('')));
    await world.run(20_000);
    expect(tried).toEqual(['port=0'.repeat(10), pieces.join('')]);
    actor.stop();
    watch.stop();
  });
});
