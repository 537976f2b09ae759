import type { ConfigReloadContext } from '../../machines/index.ts';
import type { Randomness } from '../runtime/randomness.ts';
import type { ConfigContent } from './content.ts';

/**
 * What a member remembers from one process to the next: the configuration that was good, which ones were bad, and, as
 * the crash marker, the one it was about to apply.
 *
 * It is the chart's own context as of the last step that matters. `save` is called with the marker before anything is
 * committed and again when the configuration came through its health watch, was given up, or the member was stopped: a
 * process that dies in between leaves the marker behind, and `inputAfterCrash` reads it as what killed it.
 */
export interface LastGood {
  /** The directory that it is in; null if it ends with the process. */
  readonly location: string | null;
  /** Key of the digests of what configurations refer to; the same in the next process, or they would say nothing. */
  readonly key: string;
  /** As an earlier process left it; null if there was none. */
  readonly left: ConfigReloadContext | null;
  /** Claims it for this process. Rejects with a `SettingsError` if another has it. */
  open(): Promise<void>;
  /** Resolves when it is as durable as this memory is. */
  save(context: ConfigReloadContext): Promise<void>;
  /** Keeps the bytes of a configuration that is good, and lets those go that `save` names no more. */
  keep(content: ConfigContent): Promise<void>;
  /** Whether an earlier process kept these bytes, and nobody has removed them. */
  keeps(sha: string): boolean;
  /** Bytes that an earlier process kept, or null. */
  content(sha: string): Promise<ConfigContent | null>;
  close(): Promise<void>;
}

/** Remembers nothing beyond this process. */
export function forgetfulLastGood(randomness: Randomness): LastGood {
  return {
    location: null,
    key: newKey(randomness),
    left: null,
    open: async () => {},
    save: async () => {},
    keep: async () => {},
    keeps: () => false,
    content: async () => null,
    close: async () => {},
  };
}

/** 128 random bits at least. */
export function newKey(randomness: Randomness): string {
  return `${randomness.id()}${randomness.id()}`;
}
