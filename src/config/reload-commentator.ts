import { Commentator } from '../commentator.ts';
import { comment } from './reload-commentary.ts';
import type { ReloadDriver } from './reload-driver.ts';
import type { ConfigEvent } from './reload-events.ts';
import type { ReloadSettings } from './reload-options.ts';

/** Says what becomes of one member's configuration. */
export class ReloadCommentator<T> {
  readonly #settings: ReloadSettings<T>;
  readonly #commentator: Commentator;
  #isRecorded = false;

  constructor(settings: ReloadSettings<T>, driver: ReloadDriver<T>) {
    const { logger, memberId, stream } = settings;
    this.#settings = settings;
    this.#commentator = new Commentator(logger, { memberId }, () =>
      this.#isRecorded
        ? { stream, seq: driver.writer.nextSeq - 1, term: driver.context.desired?.term ?? null }
        : null,
    );
  }

  /** From now on there are records. */
  begin(): void {
    this.#isRecorded = true;
    const { source, sharing } = this.#settings;
    this.#commentator.say({ level: 'info', message: `File watching enabled: ${source.location}` });
    if (sharing === null) return;
    const { location } = sharing.store.describe();
    const message = `High availability enabled: the configuration is shared in ${location} (mode ${sharing.mode})`;
    this.#commentator.say({ level: 'info', message });
  }

  say(event: ConfigEvent): void {
    const { source, sharing } = this.#settings;
    const store = sharing?.store.describe().kind ?? null;
    this.#commentator.say(comment(event, { source: source.location, store }));
  }
}
