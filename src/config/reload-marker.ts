import type { ConfigReloadContext } from '../../machines/index.ts';
import type { ConfigContent } from './content.ts';
import type { LastGood } from './last-good.ts';

/**
 * Tells the memory of a member what the next process must know: before a handler sees a configuration, which one; after
 * each attempt and each confirmation, how it ended. Only the first is waited for.
 */
export class CrashMarker {
  readonly #lastGood: LastGood;
  readonly #onFailure: (error: unknown) => void;
  #saved: ConfigReloadContext | null = null;
  #set: { readonly attempt: number; readonly saved: Promise<void> } | null = null;
  #failing = false;

  constructor(lastGood: LastGood, onFailure: (error: unknown) => void) {
    this.#lastGood = lastGood;
    this.#onFailure = onFailure;
  }

  /** Resolves when a process that starts later would know what this one was about to apply. */
  set(context: ConfigReloadContext): Promise<void> {
    const { run, attempt } = context;
    if (run === null) return Promise.resolve();
    if (this.#set?.attempt !== attempt) {
      const saved = this.#lastGood.save({ ...context, run: { ...run, stage: 'committing' } });
      saved.catch(() => (this.#set = null));
      this.#set = { attempt, saved };
    }
    return this.#set.saved;
  }

  /** Notes what came of attempts, once they are over. */
  observe(context: ConfigReloadContext): void {
    if (context.run !== null || (this.#set === null && isSame(this.#saved, context))) return;
    this.#set = null;
    this.#saved = context;
    this.#attempt(() => this.#lastGood.save(context));
  }

  /** These bytes are good. */
  keep(content: ConfigContent | null): void {
    if (content !== null) this.#attempt(() => this.#lastGood.keep(content));
  }

  /** The member ends of its own will: nothing that was new is to blame. */
  async leave(context: ConfigReloadContext): Promise<void> {
    const { applied } = context;
    const innocent = { ...context, run: null, applied: applied?.confirmed === true ? applied : null };
    await this.#lastGood.save(innocent).catch((error: unknown) => this.#onFailure(error));
  }

  #attempt(save: () => Promise<void>): void {
    save().then(
      () => (this.#failing = false),
      (error: unknown) => {
        if (!this.#failing) this.#onFailure(error);
        this.#failing = true;
      },
    );
  }
}

/** Whether another process would learn the same. */
function isSame(one: ConfigReloadContext | null, other: ConfigReloadContext): boolean {
  return (
    one !== null &&
    one.applied === other.applied &&
    one.fallback === other.fallback &&
    one.knownBad === other.knownBad &&
    one.generation === other.generation
  );
}
