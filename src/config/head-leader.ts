import type { Diagnostic } from '../../machines/index.ts';
import type { LeadershipTerm } from '../election/term.ts';
import type { Logger } from '../logger.ts';
import type { Clock } from '../runtime/clock.ts';
import { type ConfigContent, decodeContent, encodeContent } from './content.ts';
import type { HeadCalls } from './head-calls.ts';
import type { HeadEvent } from './head-events.ts';
import {
  claim,
  type HeadRecord,
  type HeadState,
  type InForce,
  isFenced,
  type Refusal,
  move,
  newest,
  seed,
  wasThere,
} from './head.ts';
import { contentOf } from './reload-contents.ts';
import type { ReloadDriver } from './reload-driver.ts';
import type { WatchedSource } from './reload-watch.ts';

/**
 * What a member does for the others while it leads: claims the head for its term, seeds one that is missing, and
 * proposes its own file when that has changed. Each step reads the head anew and is one swap, so that nothing done
 * late, twice, or by a leader that is none any more has an effect.
 */

/** A missing head is seeded after this, in milliseconds: by then every connected member has said what it runs. */
export const SEED_AFTER_MS = 6500;

export interface HeadLeaderOptions<T> {
  readonly calls: HeadCalls;
  readonly mode: 'file' | 'store';
  readonly driver: ReloadDriver<T>;
  readonly source: WatchedSource;
  readonly memberId: string;
  readonly clock: Clock;
  readonly logger: Logger;
  /** The term this member leads in, or null. */
  readonly term: () => LeadershipTerm | null;
  readonly applied: () => InForce | null;
  readonly newKey: () => string;
  readonly emit: (event: HeadEvent) => void;
  /** The own file is refused, or (null) is not any more. */
  readonly refuse: (refusal: Refusal | null) => void;
}

export class HeadLeader<T> {
  readonly #options: HeadLeaderOptions<T>;
  /** The generation under which this member's own file was last seen to change. */
  #change: { readonly under: number } | null = null;
  /** Generations that this member made one after the other: a file that changed under one of them is news under the last. */
  #own = { first: 0, last: 0 };
  /** Generation under which somebody asked for the own file to be read. */
  #ask: { readonly under: number } | null = null;
  /** What the own file held when it was last looked at. */
  #ownSha: string | null = null;
  /** Token of the term in which the own file was looked at. */
  #considered: bigint | null = null;
  #missingSince: number | null = null;
  /** The highest generation ever seen, and the last. */
  #seen = 0;
  #last: number | null = null;
  /** Files that were proposed, as far as this member knows. */
  #files: readonly string[] = [];
  #tending: Promise<boolean> | null = null;

  constructor(options: HeadLeaderOptions<T>) {
    this.#options = options;
  }

  /** The own file is another one, under the head that is known. */
  fileChanged(head: HeadRecord | null): void {
    this.#change = { under: head?.generation ?? 0 };
  }

  /**
   * Somebody asks for the own file to be read. Where files are what counts, that is to take it. Where others propose,
   * too, only a file that has changed is news: else each who asks would undo what was proposed.
   */
  asked(head: HeadRecord | null): void {
    if (this.#options.mode === 'file') this.fileChanged(head);
    else this.#ask = { under: head?.generation ?? 0 };
  }

  /** The head as it was just read. */
  observe(head: HeadRecord | null): void {
    if (head === null) this.#missingSince ??= this.#options.clock.monotonicMs();
    else this.#missingSince = null;
    this.#seen = Math.max(this.#seen, head?.generation ?? 0);
    this.#last = head?.generation ?? this.#last;
  }

  /**
   * Does what there is to do, if this member leads; tells whether the head moved. Never rejects: what failed is done the
   * next time.
   */
  tend(): Promise<boolean> {
    this.#tending ??= this.#tend()
      .catch((error: unknown) => {
        this.#options.logger.debug({ error }, 'The head could not be tended; it is tried again');
        return false;
      })
      .finally(() => (this.#tending = null));
    return this.#tending;
  }

  async #tend(): Promise<boolean> {
    const { calls, term: termOf, memberId, clock } = this.#options;
    const term = termOf();
    if (term === null) return false;
    let state = await calls.state();
    if (isFenced(state, term.token)) return false;
    if (state.head === null) return this.#seed(state, term);
    const claiming = claim(state, term.token, memberId, clock.wallMs());
    if (claiming !== null) {
      if (!term.isCurrent || !(await calls.swap(claiming))) return false;
      state = await calls.state();
      if (state.head?.term !== String(term.token)) return false;
    }
    this.#files = state.files;
    return this.#considerFile(state, term);
  }

  async #considerFile(state: HeadState, term: LeadershipTerm): Promise<boolean> {
    const { head } = state;
    const ask = this.#ask;
    const isAsked = head !== null && ask?.under === head.generation;
    const isNewLeader = this.#considered !== term.token;
    const change = this.#change;
    const isMarked = head !== null && change !== null && this.#isUnder(change, head);
    if (head === null || (change === null && !isAsked && !isNewLeader)) return false;
    const content = await this.#ownFile();
    const isOther = content !== null && this.#ownSha !== null && content.sha !== this.#ownSha;
    const sawChange = isMarked || (isAsked && isOther);
    const isUnheardOf = content !== null && (isNewLeader || isAsked) && !wasThere(state, content.sha);
    const isNews = content !== null && content.sha !== head.sha && (sawChange || isUnheardOf);
    const isDealtWith = content === null || content.sha === head.sha || content.sha === this.#ownSha;
    const isOutrun = change !== null && !isNews && !isMarked && !isNewLeader && !isDealtWith;
    if (isNews) {
      const why = sawChange ? 'the file changed' : 'a new leader has a file that nobody had';
      if (!(await this.#propose(state, term, content, why))) return false;
    }
    if (content !== null && (isNews || content.sha === head.sha)) this.#options.source.took(content.sha);
    else if (isOutrun) this.#options.refuse({ sha: content.sha, diagnostics: [this.#outrun(change, head)] });
    this.#considered = term.token;
    // What was outrun stays news for whoever asks.
    if (!isOutrun) this.#ownSha = content?.sha ?? this.#ownSha;
    // It may have changed, or somebody may have asked, once more meanwhile.
    if (this.#change === change) this.#change = null;
    if (isAsked && this.#ask === ask) this.#ask = null;
    return isNews;
  }

  #isUnder({ under }: { readonly under: number }, { generation }: HeadRecord): boolean {
    const { first, last } = this.#own;
    return under === generation || (generation === last && under >= first && under < last);
  }

  /** Whoever changed it is not left to wonder why nothing came of it. */
  #outrun({ under }: { readonly under: number }, { generation }: HeadRecord): Diagnostic {
    return {
      stage: 'reading',
      code: 'CONFIG_CONFLICT',
      message: `It changed under generation ${under}, and generation ${generation} came before it could be proposed. Look at that one; then change the file again, or reload it.`,
      file: this.#options.source.location,
      line: null,
      column: null,
      path: null,
    };
  }

  /** This member has made one generation out of another. */
  #moved(from: number, to: number): void {
    this.#own = { first: from === this.#own.last ? this.#own.first : from, last: to };
  }

  /**
   * What the own file holds, if it may be proposed. One that is missing asks for nothing, unless nobody has anything else:
   * then all wait for it, and it must be said.
   */
  async #ownFile(isAwaited = false): Promise<ConfigContent | null> {
    const { source, driver, refuse } = this.#options;
    const reading = await source.peek();
    if (reading.kind !== 'read') {
      if (reading.kind === 'refused' && reading.transient) throw new Error('the file cannot be read for now');
      const isQuiet = reading.kind === 'missing' && !isAwaited;
      refuse(isQuiet ? null : { sha: null, diagnostics: reading.diagnostics });
      return null;
    }
    const content = contentOf(reading);
    const inspected = await driver.inspect(content);
    if ('kind' in inspected) {
      if (inspected.transient) throw new Error('what the file refers to cannot be had for now');
      refuse({ sha: content.sha, diagnostics: inspected.diagnostics });
      return null;
    }
    refuse(null);
    return content;
  }

  /** False: somebody else moved the head meanwhile, and all is to be considered anew. */
  async #propose(
    state: HeadState,
    term: LeadershipTerm,
    content: ConfigContent,
    why: string,
  ): Promise<boolean> {
    const { calls, memberId, clock, mode, emit } = this.#options;
    const { sha } = content;
    const text = mode === 'store' ? encodeContent(content) : null;
    const change = move(state, term.token, {
      key: this.#options.newKey(),
      sha,
      content: text,
      files: [sha],
      who: memberId,
      why,
      at: clock.wallMs(),
    });
    if (!term.isCurrent || !(await calls.swap(change))) return false;
    const generation = generationIn(change.head);
    this.#moved(state.head?.generation ?? 0, generation);
    emit({ type: 'proposed', generation, sha, why });
    return true;
  }

  /** Nobody knows what is wanted: what the members run is, or, if they run nothing, the own file. */
  async #seed(state: HeadState, term: LeadershipTerm): Promise<boolean> {
    const { calls, memberId, clock, emit, applied, driver, mode } = this.#options;
    const since = this.#missingSince;
    if (since === null || clock.monotonicMs() - since < SEED_AFTER_MS) return false;
    const reports = await calls.reports();
    const reported = reports.map((report) => report.applied);
    // What lay beside members while they ran something else is not what anybody wants now.
    const files = [...reports.flatMap(({ ownFile }) => ownFile ?? []), ...this.#files];
    const { lastGood } = driver.context;
    const remembered = lastGood && { term: '0', generation: lastGood.generation, sha: lastGood.sha };
    const known = [...reported, applied(), remembered].filter((each) => each !== null);
    const above = Math.max(this.#seen, ...known.map(({ generation }) => generation), 0);
    for (const best of descending(known)) {
      const content = mode === 'file' ? null : await this.#contentOf(best.sha);
      if (mode === 'store' && content === null) continue;
      const why = 'the store had lost the head';
      const change = seed(
        state,
        term.token,
        {
          sha: best.sha,
          content,
          files,
          key: this.#options.newKey(),
          who: memberId,
          why,
          at: clock.wallMs(),
        },
        above,
      );
      if (!term.isCurrent || !(await calls.swap(change))) return false;
      const generation = generationIn(change.head);
      // If it is what was there before the loss; else a file that had been outrun by then is no news either.
      if (best.generation === this.#last) this.#moved(best.generation, generation);
      emit({ type: 'proposed', generation, sha: best.sha, why });
      return true;
    }
    const content = known.length === 0 ? await this.#ownFile(true) : null;
    return content !== null && this.#propose(state, term, content, 'the first configuration');
  }

  async #contentOf(sha: string): Promise<string | null> {
    const { calls, driver } = this.#options;
    const own = driver.contents.have(sha);
    if (own !== null) return encodeContent(own);
    const text = await calls.content(sha);
    return text !== null && decodeContent(text, sha, (name) => name) !== null ? text : null;
  }
}

function* descending(known: readonly InForce[]): Generator<InForce> {
  let left = known;
  for (let best = newest(left); best !== null; best = newest(left)) {
    yield best;
    const { sha } = best;
    left = left.filter((each) => each.sha !== sha);
  }
}

const generationIn = (text: string): number => (JSON.parse(text) as HeadRecord).generation;
