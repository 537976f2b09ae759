/** Members that share one configuration through a store in memory, on a virtual clock. */
import { afterEach, beforeEach, expect } from 'vitest';
import { type ConfigReload, type ConfigReloadOptions, createConfigReload } from '../../src/config.ts';
import { type HeadRecord, headOf } from '../../src/config/head.ts';
import { type MemoryHead, memoryHead } from '../../src/config/memory-head.ts';
import { type LeaseStore, memoryLeases } from '../../src/index.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { type Config, MemorySource, schema } from './config-handle-members.ts';
import { elapse } from './elapse.ts';

/** A poll, a look and the stages, with some to spare. */
export const ROUND_MS = 8000;
export const NONE = { signal: new AbortController().signal };

export class ConfigCluster {
  clock = new VirtualClock();
  store: MemoryHead = memoryHead({ clock: this.clock });
  leases: LeaseStore = memoryLeases({ clock: this.clock });
  reloads: ConfigReload<Config>[] = [];
  readonly sources = new Map<ConfigReload<Config>, MemorySource>();

  reset(): void {
    this.clock = new VirtualClock();
    this.store = memoryHead({ clock: this.clock });
    this.leases = memoryLeases({ clock: this.clock });
    this.reloads = [];
  }

  async end(): Promise<void> {
    const stopped = Promise.all(this.reloads.map((each) => each.stop()));
    await this.pass(200_000);
    await stopped;
    expect(this.clock.pending).toBe(0);
  }

  pass(ms: number): Promise<void> {
    return elapse(this.clock, ms);
  }

  readonly member = (content: Partial<Config>, options: Partial<ConfigReloadOptions<Config>> = {}) => {
    const { clock, store, leases } = this;
    const source = new MemorySource().write(content);
    const reload = createConfigReload({ source, schema, clock, store, leases, ...options });
    this.reloads.push(reload);
    this.sources.set(reload, source);
    return reload;
  };

  readonly started = async (
    count: number,
    content: Partial<Config>,
    options: Partial<ConfigReloadOptions<Config>> = {},
  ) => {
    const members = Array.from({ length: count }, () => this.member(content, options));
    for (const each of members) void each.start().catch(() => {});
    await this.pass(2 * ROUND_MS);
    return members;
  };

  readonly edit = (reload: ConfigReload<Config>, content: Partial<Config>) =>
    this.sources.get(reload)?.write(content);

  readonly leader = () => this.reloads.find((each) => each.status().shared?.leads) as ConfigReload<Config>;

  readonly follower = () => this.reloads.find((each) => !each.status().shared?.leads) as ConfigReload<Config>;

  /** Generation and port of each. */
  readonly inForce = () => this.reloads.map((each) => [each.status().generation, each.current.port]);

  readonly headNow = async (): Promise<HeadRecord | null> => headOf(await this.store.head(NONE));
}

export function useCluster(): ConfigCluster {
  const cluster = new ConfigCluster();
  beforeEach(() => cluster.reset());
  afterEach(() => cluster.end());
  return cluster;
}
