import type { Diagnostic } from '../../machines/index.ts';
import { ConfigError } from '../errors.ts';
import type { ConfigContent } from './content.ts';
import type { Differences } from './difference.ts';
import type { HeadMember } from './head-member.ts';
import { contentOf } from './reload-contents.ts';
import type { ReloadDriver } from './reload-driver.ts';
import { type HistoryEntry, ReloadHistory } from './reload-history.ts';
import type { ReloadSettings } from './reload-options.ts';

/** What differs, or why that cannot be told. */
export type ConfigDiff =
  | ({ readonly kind: 'differences' } & Differences)
  | { readonly kind: 'refused'; readonly diagnostics: readonly Diagnostic[] };

/** The generations there were: those that members share, or this member's own. */
export class Generations<T> {
  readonly #settings: ReloadSettings<T>;
  readonly #driver: ReloadDriver<T>;
  readonly #head: HeadMember<T> | null;
  readonly #own = new ReloadHistory();

  constructor(settings: ReloadSettings<T>, driver: ReloadDriver<T>, head: HeadMember<T> | null) {
    this.#settings = settings;
    this.#driver = driver;
    this.#head = head;
  }

  /** Has come into force here. */
  note(generation: number, sha: string, why: string): void {
    const { clock, memberId } = this.#settings;
    this.#own.add({ generation, sha, at: clock.wallMs(), who: memberId, why, token: null });
  }

  async history(): Promise<readonly HistoryEntry[]> {
    return (await this.#head?.history()) ?? this.#own.entries;
  }

  /** @throws ConfigError `CONFIG_NOT_FOUND` */
  async contentOf(generation: number): Promise<ConfigContent> {
    const history = await this.history();
    const entry = history.find((each) => each.generation === generation);
    const content =
      entry && (this.#driver.contents.have(entry.sha) ?? (await this.#settings.fetch(entry.sha)));
    if (content) return content;
    const known = history.map((each) => each.generation).join(', ');
    throw new ConfigError(
      'CONFIG_NOT_FOUND',
      `Generation ${generation} is not in the history any more. Known: ${known === '' ? 'none' : known}.`,
    );
  }

  /** From what is in force, and to what the source holds, unless generations are given. */
  async diff({ from, to }: { readonly from?: number; readonly to?: number }): Promise<ConfigDiff> {
    const { source, reader } = this.#settings;
    const before =
      from === undefined ? this.#driver.current : await this.#driver.inspect(await this.contentOf(from));
    if (before !== null && 'kind' in before) return before;
    const reading = to === undefined ? await source.peek() : null;
    if (reading !== null && reading.kind !== 'read')
      return { kind: 'refused', diagnostics: reading.diagnostics };
    const content = reading === null ? await this.contentOf(to as number) : contentOf(reading);
    const after = await this.#driver.inspect(content);
    if ('kind' in after) return after;
    return { kind: 'differences', ...reader.difference(before, after) };
  }
}
