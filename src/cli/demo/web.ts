import type { TimerId } from '../../runtime/clock.ts';
import { systemClock } from '../../runtime/system-clock.ts';
import { systemRandomness } from '../../runtime/system-randomness.ts';
import type { Listening } from '../../server/listen.ts';
import { followJournals } from '../journal-follow.ts';
import { type Act, ACTS } from './controls.ts';
import type { DemoJournals } from './journals.ts';
import type { WebState } from './web-state.ts';

/** The page of a demo, on this host alone. */

export interface DemoWebOptions {
  readonly journals: DemoJournals;
  readonly state: () => WebState;
  readonly act: (member: string, act: Act) => Promise<void>;
  /** Writes the shared configuration; null where a scenario does. */
  readonly configure: ((text: string) => Promise<void>) | null;
  readonly port: number | undefined;
}

/** A page is told of changes this often at most. */
const TOLD_EVERY_MS = 100;

export class DemoWeb implements AsyncDisposable {
  readonly #watchers = new Set<() => void>();
  #listening: Listening | null = null;
  #timer: TimerId = null;

  /** @throws SettingsError if the port cannot be had */
  static async open(options: DemoWebOptions): Promise<DemoWeb> {
    const { journals, state, act, configure, port = 0 } = options;
    const [{ demoApp }, { listen }] = await Promise.all([
      import('../../server/demo-app.ts'),
      import('../../server/listen.ts'),
    ]);
    const web = new DemoWeb();
    const app = demoApp({
      token: systemRandomness.id() + systemRandomness.id(),
      follow: (signal) => followJournals(() => journals.readers, signal),
      state,
      watch: (changed) => {
        web.#watchers.add(changed);
        return () => web.#watchers.delete(changed);
      },
      acts: ACTS,
      act: async (member, wanted) => {
        const known = ACTS.find((each) => each === wanted);
        if (known !== undefined) await act(member, known);
        web.changed();
      },
      saved: (name) => journals.saved(name),
      configure,
    });
    web.#listening = await listen(app, { port });
    return web;
  }

  get url(): string {
    return this.#listening?.url ?? '';
  }

  /** Something has changed: pages are told soon. */
  changed(): void {
    if (this.#timer !== null || this.#watchers.size === 0) return;
    this.#timer = systemClock.setTimeout(() => {
      this.#timer = null;
      for (const tell of this.#watchers) tell();
    }, TOLD_EVERY_MS);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    systemClock.clearTimeout(this.#timer);
    await this.#listening?.[Symbol.asyncDispose]();
  }
}
