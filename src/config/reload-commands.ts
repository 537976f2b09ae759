import type { Observable } from 'rxjs';
import { ConfigError } from '../errors.ts';
import type { ConfigContent } from './content.ts';
import type { HeadMember } from './head-member.ts';
import { ACKNOWLEDGE_MS, type HeadOthers } from './head-others.ts';
import type { MemberReport, Refusal } from './head.ts';
import {
  contentProposed,
  notProposable,
  type Proposal,
  type ProposeOptions,
  type ProposedContent,
} from './proposal.ts';
import { type ConfigCheck, placeholdersIn, type ShownConfig } from './reload-shown.ts';
import type { ReloadDriver } from './reload-driver.ts';
import type { ConfigEvent } from './reload-events.ts';
import { ownFileRefusal, refusedOutcome } from './reload-own-file.ts';
import type { Generations } from './reload-generations.ts';
import type { ReloadSettings } from './reload-options.ts';
import {
  LaterOutcome,
  nextOutcome,
  nextRollback,
  outcomeOf,
  refused,
  type RollbackOutcome,
  type SharedOutcome,
} from './reload-outcomes.ts';

/** An outcome here, and which other members have heard of it. */
export type WithOthers<O> = O & {
  /** The other members that acknowledged within 2 s, and how they stood then. Empty without `notifyOthers`. */
  readonly others: readonly MemberReport[];
};

/** Options of `reload()`. */
export interface ReloadCommandOptions {
  /** Tries bytes that were refused before. */
  readonly force?: boolean;
  /** Has all members look now, at the head and at their own files, and waits up to 2 s for them. */
  readonly notifyOthers?: boolean;
}

interface ReloadParts<T> {
  readonly settings: ReloadSettings<T>;
  readonly driver: ReloadDriver<T>;
  readonly head: HeadMember<T> | null;
  readonly events: Observable<ConfigEvent>;
  readonly generations: Generations<T>;
}

/** What is asked of a started reload: to read again, to go back, to take what was handed over. */
export class ReloadCommands<T> {
  readonly #settings: ReloadSettings<T>;
  readonly #driver: ReloadDriver<T>;
  readonly #head: HeadMember<T> | null;
  readonly #events: Observable<ConfigEvent>;
  readonly #generations: Generations<T>;

  constructor({ settings, driver, head, events, generations }: ReloadParts<T>) {
    this.#settings = settings;
    this.#driver = driver;
    this.#head = head;
    this.#events = events;
    this.#generations = generations;
  }

  async reload({
    force = false,
    notifyOthers = false,
  }: ReloadCommandOptions): Promise<WithOthers<SharedOutcome>> {
    const head = this.#head;
    if (head === null || !notifyOthers) return { ...(await this.#reload(force)), others: [] };
    const others = await head.others();
    const later = new LaterOutcome(this.#events);
    try {
      await head.call();
      const outcome = await this.#reload(force);
      const generation = this.#driver.context.applied?.generation ?? 0;
      const heard = others.acknowledged(null);
      // The leader was told to look at its file, too: what it finds there is the answer, if it comes in time.
      if (await this.#fileIsNews()) await later.comes(generation, this.#settings.clock, ACKNOWLEDGE_MS);
      else await heard;
      const following = later.beyond(generation);
      if (following === null) return { ...outcome, others: await heard };
      return { ...following, others: await others.acknowledged(following.generation) };
    } finally {
      later.end();
    }
  }

  async rollBack({
    to,
    notifyOthers = false,
  }: {
    readonly to?: number;
    readonly notifyOthers?: boolean;
  }): Promise<WithOthers<RollbackOutcome>> {
    const head = this.#head;
    if (head === null) return { ...(await this.#rollBackAlone(to)), others: [] };
    const others = notifyOthers ? await head.others() : null;
    let generation = 0;
    const outcome = await outcomeOf(this.#events, async () => (generation = await head.rollBack(to)));
    return { ...outcome, others: await heardBy(others, generation) };
  }

  async propose(proposed: ProposedContent, options: ProposeOptions): Promise<Proposal> {
    const { sharing, source } = this.#settings;
    const head = this.#head;
    if (head === null || sharing?.mode !== 'store')
      throw notProposable(sharing === null ? 'local' : 'file', source.location);
    const content = contentProposed(proposed, this.#driver.current?.content.files[0]?.name ?? null);
    await this.#assertGood(content);
    const others = options.notifyOthers === true ? await head.others() : null;
    let generation = 0;
    const outcome = await outcomeOf(this.#events, async () => {
      const result = await head.propose(content, options);
      ({ generation } = result.head);
      return result.moved ? generation : null;
    });
    // Nothing to move: this is what all of them are to have already, whether or not they do.
    if (outcome === null)
      return { generation, sha: content.sha, outcome: await this.#settled(generation), others: [] };
    return { generation, sha: content.sha, outcome, others: await heardBy(others, generation) };
  }

  async #reload(force: boolean): Promise<SharedOutcome> {
    const head = await this.#head?.consider();
    if (head && !this.#runs(head.generation)) return outcomeOf(this.#events, async () => head.generation);
    const refusal = await this.#refusal();
    return refusal === null ? this.#again(force) : refusedOutcome(refusal);
  }

  /** How it ends here with a generation that is wanted already. The own file has no part in that. */
  #settled(generation: number): Promise<SharedOutcome> {
    return this.#runs(generation) ? this.#again(false) : outcomeOf(this.#events, async () => generation);
  }

  #runs(generation: number): boolean {
    return this.#driver.context.applied?.generation === generation;
  }

  #again(force: boolean): Promise<SharedOutcome> {
    const outcome = nextOutcome(this.#events);
    this.#driver.tell({ type: 'reload', at: this.#now(), force, target: null });
    return outcome;
  }

  /** Why the own file is nothing to agree on: where each member has a copy, and where this one leads. */
  async #refusal(): Promise<Refusal | null> {
    const { sharing } = this.#settings;
    if (this.#head === null || this.#driver.current === null) return null;
    if (sharing?.mode !== 'file' && !sharing?.election.isLeader) return null;
    return ownFileRefusal(this.#settings, this.#driver);
  }

  async #rollBackAlone(to: number | undefined): Promise<RollbackOutcome> {
    const { context } = this.#driver;
    const at = this.#now();
    if (to === undefined) {
      if (context.fallback === null && context.run?.stage !== 'committing')
        throw new ConfigError('CONFIG_NOT_FOUND', 'There is no configuration before this one to return to.');
      const outcome = nextRollback(this.#events);
      this.#driver.tell({ type: 'rollback', at });
      return outcome;
    }
    const { sha } = await this.#generations.contentOf(to);
    const outcome = nextOutcome(this.#events);
    this.#driver.tell({ type: 'reload', at, force: true, target: { generation: null, sha } });
    return outcome;
  }

  async validate(proposed: ProposedContent): Promise<ConfigCheck> {
    const { current } = this.#driver;
    const content = contentProposed(proposed, current?.content.files[0]?.name ?? null);
    const inspected = await this.#inspect(content);
    const { sha } = content;
    if ('kind' in inspected) return { kind: 'refused', sha, diagnostics: inspected.diagnostics };
    return { kind: 'accepted', sha, ...this.#settings.reader.difference(current, inspected) };
  }

  shown(): ShownConfig | null {
    const { current, context } = this.#driver;
    if (current === null || context.applied === null) return null;
    const { generation, sha } = context.applied;
    return { generation, sha, value: this.#settings.reader.redact(current) };
  }

  /** As a reload would see it; but what was shown instead of a secret does not take its place. */
  async #inspect(content: ConfigContent) {
    const inspected = await this.#driver.inspect(content);
    if ('kind' in inspected) return inspected;
    const diagnostics = placeholdersIn(inspected.value, content.files[0]?.name ?? null);
    return diagnostics.length === 0 ? inspected : { kind: 'refused' as const, diagnostics };
  }

  /** Nothing is proposed to others that this member would not take itself. */
  async #assertGood(content: ConfigContent): Promise<void> {
    const inspected = await this.#inspect(content);
    const known = 'kind' in inspected ? null : this.#driver.knownBad(content.sha, inspected.parsed);
    const diagnostics = 'kind' in inspected ? inspected.diagnostics : known === null ? [] : [known];
    if (diagnostics.length > 0) throw refused(diagnostics);
  }

  /** Whether the own file holds what nobody had yet, as the leader's may then, too. */
  async #fileIsNews(): Promise<boolean> {
    const reading = await this.#settings.source.peek();
    if (reading.kind !== 'read' || reading.sha === this.#driver.context.applied?.sha) return false;
    const history = await this.#generations.history().catch(() => []);
    return history.every(({ sha }) => sha !== reading.sha);
  }

  #now(): number {
    return this.#settings.clock.monotonicMs();
  }
}

async function heardBy(others: HeadOthers | null, generation: number): Promise<readonly MemberReport[]> {
  return (await others?.acknowledged(generation)) ?? [];
}
