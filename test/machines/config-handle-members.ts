/** The configuration handle over a source in memory, on a virtual clock. */
import { afterEach, beforeEach, expect } from 'vitest';
import { z } from 'zod';
import {
  type ConfigEvent,
  type ConfigReload,
  type ConfigReloadOptions,
  type ConfigSource,
  createConfigReload,
  type ReloadHandler,
  type SourceReading,
} from '../../src/config.ts';
import { fileSha } from '../../src/config/fingerprint.ts';
import { VirtualClock } from '../../src/runtime/virtual-clock.ts';
import { elapse } from './elapse.ts';

export const schema = z.object({
  port: z.number().default(80),
  level: z.string().default('info'),
  password: z.string().optional(),
});

export type Config = z.infer<typeof schema>;

/** A file that only exists in memory. */
export class MemorySource implements ConfigSource {
  readonly location = 'app.json';
  /** Null: there is no such file. */
  text: string | null = null;
  /** Decides the format. */
  name = 'app.json';
  #changes = 0;

  /** Writes it; the present configuration with these keys, or any text. */
  write(content: Partial<Config> | string): this {
    this.text = typeof content === 'string' ? content : JSON.stringify(content);
    this.#changes += 1;
    return this;
  }

  async look() {
    return {
      fingerprint: `${this.#changes}${this.text === null}`,
      changedAtMs: 0,
      files: [],
      places: [],
    };
  }

  async read(): Promise<SourceReading> {
    const look = await this.look();
    if (this.text === null) {
      const diagnostic = {
        stage: 'reading' as const,
        code: 'CONFIG_MISSING',
        message: 'There is no file.',
        file: 'app.json',
        line: null,
        column: null,
        path: null,
      };
      return { kind: 'missing', look, transient: false, diagnostics: [diagnostic] };
    }
    const bytes = Buffer.from(this.text);
    return {
      kind: 'read',
      look,
      sha: fileSha(bytes),
      sizeBytes: bytes.length,
      files: [{ name: this.name, path: this.name, bytes }],
      realDirectory: '/nowhere',
    };
  }
}

export const shaOf = (content: Partial<Config>): string => fileSha(Buffer.from(JSON.stringify(content)));

/** A handler that notes what is asked of it in `log`, and fails where `fails` says so. */
export function noting(
  name: string,
  log: string[],
  fails: Partial<Record<'prepare' | 'commit' | 'abort' | 'rollback', Error | Promise<never>>> = {},
): ReloadHandler<Config> {
  const step = (what: 'prepare' | 'commit' | 'abort' | 'rollback') => {
    log.push(`${name} ${what}`);
    const failure = fails[what];
    if (failure instanceof Promise) return failure;
    if (failure !== undefined) throw failure;
    return undefined;
  };
  return {
    name,
    async prepare() {
      await step('prepare');
      return {
        commit: () => step('commit'),
        abort: () => step('abort'),
        rollback: () => step('rollback'),
      };
    },
  };
}

export interface Reloads {
  readonly clock: VirtualClock;
  readonly source: MemorySource;
  reload(options?: Partial<ConfigReloadOptions<Config>>): ConfigReload<Config>;
  /** One whose first configuration is in force. */
  started(options?: Partial<ConfigReloadOptions<Config>>): Promise<ConfigReload<Config>>;
  pass(ms: number): Promise<void>;
  /** Writes and lets the watch and the stages have their time. */
  edit(content: Partial<Config> | string): Promise<void>;
}

export function useReloads(): Reloads {
  let clock: VirtualClock;
  let source: MemorySource;
  let reloads: ConfigReload<Config>[];
  beforeEach(() => {
    clock = new VirtualClock();
    source = new MemorySource();
    reloads = [];
  });
  afterEach(async () => {
    const stopped = Promise.all(reloads.map((each) => each.stop()));
    await elapse(clock, 200_000);
    await stopped;
    expect(clock.pending).toBe(0);
  });
  const reload = (options: Partial<ConfigReloadOptions<Config>> = {}) => {
    const made = createConfigReload({ source, schema, clock, memberId: 'm', ...options });
    reloads.push(made);
    return made;
  };
  return {
    get clock() {
      return clock;
    },
    get source() {
      return source;
    },
    reload,
    async started(options) {
      const made = reload(options);
      const starting = made.start();
      await elapse(clock, 10);
      await starting;
      return made;
    },
    pass: (ms) => elapse(clock, ms),
    async edit(content) {
      source.write(content);
      await elapse(clock, 5000);
    },
  };
}

/** Everything a reload tells from now on. */
export function heard(reload: ConfigReload<Config>): ConfigEvent[] {
  const events: ConfigEvent[] = [];
  reload.events$.subscribe((event) => events.push(event));
  return events;
}

export const typesOf = (events: readonly ConfigEvent[]): readonly string[] => events.map(({ type }) => type);
