import type { ConfigReloadContext, Revision } from '../../machines/index.ts';
import type { ConfigContent } from './content.ts';
import type { ConfigSnapshot } from './reader.ts';

/** The configuration in force and the one a rollback leads to, as values. `current` moves by one assignment. */
export class Snapshots<T> {
  readonly #known = new Map<string, ConfigSnapshot<T>>();
  #current: ConfigSnapshot<T> | null = null;

  get current(): ConfigSnapshot<T> | null {
    return this.#current;
  }

  put(snapshot: ConfigSnapshot<T>): void {
    this.#known.set(
      keyOf({ sha: snapshot.content.sha, dependencies: snapshot.parsed.dependencies }),
      snapshot,
    );
    this.#current = snapshot;
  }

  of(revision: Pick<Revision, 'sha' | 'dependencies'>): ConfigSnapshot<T> | null {
    return this.#known.get(keyOf(revision)) ?? null;
  }

  /** Forgets what can neither be in force nor be returned to any more. */
  prune({ applied, fallback }: ConfigReloadContext): void {
    const named = new Set([applied, fallback].map((each) => each && keyOf(each)));
    for (const [key, snapshot] of this.#known)
      if (!named.has(key) && snapshot !== this.#current) this.#known.delete(key);
  }

  all(): readonly ConfigSnapshot<T>[] {
    return [...this.#known.values()];
  }

  contents(): readonly ConfigContent[] {
    return [...this.#known.values()].map(({ content }) => content);
  }
}

const keyOf = ({ sha, dependencies }: Pick<Revision, 'sha' | 'dependencies'>): string =>
  `${sha} ${dependencies ?? ''}`;
