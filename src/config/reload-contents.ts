import type { Diagnostic } from '../../machines/index.ts';
import { type ConfigContent, sizeOf } from './content.ts';
import type { LastGood } from './last-good.ts';
import type { SourceReading } from './source.ts';

/**
 * Where the bytes of a configuration are found: in the source, among those that were in force, in the memory on disk,
 * and, for members that share a store, there. What is asked for by its hash is what comes, or nothing.
 */

/** Bytes of configurations that were in force, kept for a return to them; the oldest go first. */
export const CONTENTS_KEPT_MAX = 50;
export const CONTENTS_BYTES_MAX = 16 * 1024 * 1024;

export type Found =
  | {
      readonly kind: 'found';
      readonly content: ConfigContent;
      readonly sizeBytes: number;
      readonly location: string;
    }
  | {
      readonly kind: 'problem';
      readonly missing: boolean;
      readonly transient: boolean;
      readonly diagnostics: readonly Diagnostic[];
    };

/** Where else bytes may be; null: not there. Rejects if it could not be asked. */
export type FetchContent = (sha: string) => Promise<ConfigContent | null>;

export interface ReadableSource {
  readonly location: string;
  read(): Promise<SourceReading>;
  peek(): Promise<SourceReading>;
  took(sha: string): void;
}

export class ContentShelf {
  readonly #source: ReadableSource;
  readonly #lastGood: LastGood;
  readonly #fetch: FetchContent;
  readonly #kept = new Map<string, ConfigContent>();

  constructor(source: ReadableSource, lastGood: LastGood, fetch: FetchContent) {
    this.#source = source;
    this.#lastGood = lastGood;
    this.#fetch = fetch;
  }

  /** What was asked for; where it is not to be had, what the source holds instead, so that people can be told. */
  async find(sha: string | null): Promise<Found> {
    const source = this.#source;
    const reading = await (sha === null ? source.read() : source.peek());
    if (reading.kind === 'read' && (sha === null || reading.sha === sha)) {
      source.took(reading.sha);
      return found(contentOf(reading), source.location);
    }
    const elsewhere = sha === null ? null : await this.#elsewhere(sha);
    if (elsewhere !== null) return elsewhere;
    if (reading.kind === 'read') return found(contentOf(reading), source.location);
    const { kind, transient, diagnostics } = reading;
    return { kind: 'problem', missing: kind === 'missing', transient, diagnostics };
  }

  async #elsewhere(sha: string): Promise<Found | null> {
    const kept = this.#kept.get(sha);
    if (kept) return found(kept, 'memory');
    const good = await this.#lastGood.content(sha);
    if (good) return found(good, 'the last good configuration');
    const fetched = await this.#fetch(sha);
    return fetched && found(fetched, 'the store');
  }

  /** Of a configuration that is or was in force. */
  have(sha: string): ConfigContent | null {
    return this.#kept.get(sha) ?? null;
  }

  /** Keeps these bytes; `needed` go last of all. */
  keep(content: ConfigContent, needed: readonly ConfigContent[]): void {
    this.#kept.delete(content.sha);
    this.#kept.set(content.sha, content);
    const tooMuch = () =>
      this.#kept.size > CONTENTS_KEPT_MAX ||
      [...this.#kept.values()].reduce((sum, each) => sum + sizeOf(each), 0) > CONTENTS_BYTES_MAX;
    const needless = [...this.#kept.keys()].filter((sha) => !needed.some((each) => each.sha === sha));
    for (const sha of needless) if (tooMuch()) this.#kept.delete(sha);
  }
}

export function contentOf({
  sha,
  files,
  realDirectory,
}: Extract<SourceReading, { kind: 'read' }>): ConfigContent {
  return { sha, files, directory: realDirectory };
}

function found(content: ConfigContent, location: string): Found {
  return { kind: 'found', content, sizeBytes: sizeOf(content), location };
}
