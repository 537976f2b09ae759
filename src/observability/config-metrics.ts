import type { ConfigReload, ConfigReloadSnapshot } from '../config-reload.ts';
import { type ConfigEvent, type ConfigEventOf, isConclusion } from '../config/reload-events.ts';
import type { ReloadStatus } from '../config/reload-status.ts';
import type { Clock } from '../runtime/clock.ts';
import { Counts, type Instruments, type Tell } from './instruments.ts';
import { METRICS } from './metric-catalogue.ts';

const { config: CONFIG } = METRICS;

/** As much of a hash as log lines show of it. */
const SHA_SHOWN = 12;

const labelOf = (word: string): string => word.replaceAll(/[A-Z]/g, (capital) => `_${capital.toLowerCase()}`);

const REASONS = CONFIG.watchDegraded.attributes.reason;

interface InForce {
  readonly sha: string;
  readonly generation: number;
}

/** The books of one configuration: plain numbers, kept up by its events and asked for at each collection. */
class ConfigBooks {
  readonly #reload: ConfigReload<unknown>;
  readonly #instruments: Instruments;
  readonly #clock: Clock;
  readonly #attributes: { readonly resource: string };
  readonly #observedSince: number;
  readonly #reloads = new Counts(
    CONFIG.reloads.attributes.trigger.flatMap((trigger) =>
      CONFIG.reloads.attributes.outcome.map((outcome) => ({ trigger, outcome })),
    ),
  );
  /** Attempt → what set it off. */
  readonly #triggers = new Map<number, string>();
  #stage: { readonly attempt: number; readonly name: string; readonly since: number } | null = null;
  #succeededAtMs = 0;
  #repairs = 0;
  /** What was last told to be in force. */
  #info: InForce | null = null;

  constructor(reload: ConfigReload<unknown>, resource: string, instruments: Instruments, clock: Clock) {
    this.#reload = reload;
    this.#instruments = instruments;
    this.#clock = clock;
    this.#attributes = { resource };
    this.#observedSince = clock.monotonicMs();
  }

  hear(event: ConfigEvent): void {
    if (event.type === 'reloadStarted') this.#triggers.set(event.attempt, labelOf(event.trigger));
    else if (event.type === 'headObserved') void this.#headMoved(event);
    else if (isConclusion(event)) {
      const trigger = this.#triggers.get(event.attempt) ?? 'command';
      this.#triggers.delete(event.attempt);
      this.#reloads.add({ trigger, outcome: labelOf(event.type) });
      if (event.type === 'applied' || event.type === 'unchanged') this.#succeededAtMs = this.#clock.wallMs();
    }
  }

  look({ context: { run, attempt } }: ConfigReloadSnapshot): void {
    const before = this.#stage;
    if (before?.name === run?.stage && before?.attempt === attempt) return;
    const now = this.#clock.monotonicMs();
    if (before !== null) {
      const attributes = { ...this.#attributes, stage: labelOf(before.name) };
      this.#instruments.record(CONFIG.reloadDuration, (now - before.since) / 1000, attributes);
    }
    this.#stage = run === null ? null : { attempt, name: run.stage, since: now };
  }

  observe(tell: Tell, ended: boolean): void {
    const status = this.#reload.status();
    const attributes = this.#attributes;
    const { rejection } = this.#reload.actor.getSnapshot().context;
    const isWell = status.generation !== null && rejection === null && status.healthy;
    tell(CONFIG.lastReloadSuccessful, isWell ? 1 : 0, attributes);
    tell(CONFIG.lastReloadSuccessTimestamp, this.#succeededAtMs / 1000, attributes);
    this.#reloads.tell(tell, CONFIG.reloads, attributes);
    this.#tellGenerations(tell, status);
    this.#tellInfo(tell, ended ? null : status);
    tell(CONFIG.antientropyRepairs, this.#repairs, attributes);
    tell(CONFIG.watchErrors, status.watch?.errors ?? 0, attributes);
    const degraded = new Set(status.watch?.degraded.map(({ reason }) => reason));
    for (const reason of REASONS)
      tell(CONFIG.watchDegraded, !ended && degraded.has(reason) ? 1 : 0, { ...attributes, reason });
    if (status.shared === null) return;
    const staleMs = status.shared.staleMs ?? this.#clock.monotonicMs() - this.#observedSince;
    tell(CONFIG.stale, ended ? 0 : staleMs / 1000, attributes);
  }

  #tellGenerations(tell: Tell, { generation, shared }: ReloadStatus): void {
    const { applied, fallback } = this.#reload.actor.getSnapshot().context;
    const confirmed = applied?.confirmed === true ? applied : fallback;
    const of = (kind: string) => ({ ...this.#attributes, kind });
    tell(CONFIG.generation, generation ?? 0, of('applied'));
    tell(CONFIG.generation, confirmed?.generation ?? 0, of('confirmed'));
    if (shared === null) tell(CONFIG.generation, generation ?? 0, of('desired'));
    else if (shared.head !== null) tell(CONFIG.generation, shared.head.generation, of('desired'));
  }

  /** What is not in force any more is told so once: there are readers that go on telling what they heard last. */
  #tellInfo(tell: Tell, status: ReloadStatus | null): void {
    const present =
      status === null || status.sha === null || status.generation === null
        ? null
        : { sha: status.sha.slice(0, SHA_SHOWN), generation: status.generation };
    const before = this.#info;
    const say = (value: number, { sha, generation }: InForce) =>
      tell(CONFIG.info, value, { ...this.#attributes, sha, generation: String(generation) });
    const isSame = before?.sha === present?.sha && before?.generation === present?.generation;
    if (before !== null && !isSame) say(0, before);
    if (present !== null) say(1, present);
    this.#info = present;
  }

  async #headMoved({ generation, sha, previous, by }: ConfigEventOf<'headObserved'>): Promise<void> {
    if (previous === null) return;
    if (by === 'poll') this.#repairs += 1;
    const knownAt = this.#clock.wallMs();
    const movedAt = await this.#movedAt(generation, sha);
    if (movedAt === null) return;
    const seconds = (knownAt - movedAt) / 1000;
    this.#instruments.record(CONFIG.notificationLatency, seconds, this.#attributes);
  }

  /** When another member made this move; null if it cannot be told, or if it was this one. */
  async #movedAt(generation: number, sha: string): Promise<number | null> {
    try {
      const history = await this.#reload.history();
      const entry = history.find((each) => each.generation === generation && each.sha === sha);
      return entry === undefined || entry.who === this.#reload.memberId ? null : entry.at;
    } catch {
      // The store is gone again: of this move nothing is known.
      return null;
    }
  }
}

/** How the metrics of a configuration are told apart. */
export interface ObserveConfigOptions {
  /** Tells configurations of different applications apart. Default `default`. */
  readonly resource?: string;
}

/** Keeps the metrics of a configuration until disposed of. */
export function observeConfig<T>(
  reload: ConfigReload<T>,
  { resource = 'default' }: ObserveConfigOptions,
  instruments: Instruments,
  clock: Clock,
): Disposable {
  const books = new ConfigBooks(reload as ConfigReload<unknown>, resource, instruments, clock);
  // One that fails tells of it by itself.
  const listening = reload.events$.subscribe({ next: (event) => books.hear(event), error: () => {} });
  listening.add(reload.state$.subscribe({ next: (snapshot) => books.look(snapshot), error: () => {} }));
  const observing = instruments.observe(CONFIG, (tell, ended) => books.observe(tell, ended));
  return {
    [Symbol.dispose]: () => {
      listening.unsubscribe();
      observing[Symbol.dispose]();
    },
  };
}
