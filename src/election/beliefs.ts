import type { JournalRecord } from '../journal/journal.ts';

/**
 * Who believed when, told from journals alone.
 *
 * A member believes that it leads from the record that asks to open its term until the record that closes it, but
 * never longer than the last `validUntil` it was given: `isLeader` compares clocks, so a frozen or killed process
 * ends by that moment without writing anything. A win that is the last thing a stream holds counts as a belief, too:
 * it is durable before the term begins, while the record of the beginning dies with a process that is killed at once.
 * Two beliefs in one resource that overlap are what must never
 * happen. Monotonic times compare within one boot of one host only; across boots nothing is claimed.
 */

/** One term as its own member saw it. Times are monotonic milliseconds of `boot`. */
export interface Belief {
  readonly stream: string;
  readonly resource: string;
  /** Holder id of the member. */
  readonly member: string;
  /** Fencing token, as a decimal string. */
  readonly token: string;
  /** Number of the term. */
  readonly term: number;
  readonly boot: string;
  readonly from: number;
  readonly until: number;
  /** `closed` by a record, `lapsed` at the last `validUntil`, or cut short when the process was `killed`. */
  readonly end: 'closed' | 'lapsed' | 'killed';
}

/** Two members that believed at the same time. */
export interface Overlap<B extends Belief = Belief> {
  readonly first: B;
  readonly second: B;
  readonly forMs: number;
}

/** One leader following another. */
export interface Succession {
  readonly before: Belief;
  readonly after: Belief;
  /** Time in which nobody believed, in milliseconds; negative if both did. */
  readonly gapMs: number;
}

export interface BeliefOptions {
  /** Stream → monotonic milliseconds at which its process is known to have been dead. */
  readonly killedAt?: ReadonlyMap<string, number>;
}

type Params = Readonly<Record<string, unknown>>;

interface OpenBelief extends Omit<Belief, 'until' | 'end'> {
  readonly validUntil: number;
}

/** Stream names are `leadership/<resource>/<holder id>`; only the resource may contain slashes. */
const STREAM = /^leadership\/(.+)\/([^/]+)$/;

/**
 * The beliefs that records tell of, in order of their beginning. Records of several members may come mixed, those
 * of one stream in order of their numbers; streams that are not of the leadership chart are passed over.
 *
 * @example
 * const records: JournalRecord[] = [];
 * for await (const record of journal.read('leadership/billing/web-1-k3v9x2m4p7qtw5ah')) records.push(record);
 * overlapsOf(beliefsOf(records)); // []
 */
export function beliefsOf(records: Iterable<JournalRecord>, { killedAt }: BeliefOptions = {}): Belief[] {
  const open = new Map<string, OpenBelief>();
  const won = new Map<string, OpenBelief>();
  const beliefs: Belief[] = [];
  const end = (belief: OpenBelief, closedAt: number | null) => {
    const { validUntil, ...told } = belief;
    const dead = killedAt?.get(told.stream) ?? Infinity;
    const until = Math.max(told.from, Math.min(closedAt ?? Infinity, validUntil, dead));
    const by = until === closedAt ? 'closed' : until === dead ? 'killed' : 'lapsed';
    beliefs.push({ ...told, until, end: by });
    open.delete(told.stream);
  };
  for (const record of records) {
    const { stream, mono } = record;
    const win = beliefFrom(record, wonTerm(record));
    if (win === null) won.delete(stream);
    else won.set(stream, win);
    const began = beliefFrom(record, paramsOf(record, 'openTerm') ?? termAtCut(record));
    const before = open.get(stream);
    if (began !== null) {
      if (before !== undefined) end(before, mono);
      open.set(stream, began);
    }
    const belief = open.get(stream);
    if (belief === undefined) continue;
    const extended = paramsOf(record, 'extendTerm');
    if (extended !== null) open.set(stream, { ...belief, validUntil: Number(extended['validUntil']) });
    if (paramsOf(record, 'closeTerm') !== null) end(open.get(stream) ?? belief, mono);
  }
  for (const belief of [...open.values(), ...won.values()]) end(belief, null);
  return beliefs.toSorted((a, b) => a.from - b.from);
}

/** Every pair of members of one resource and boot that believed at the same time; empty if all is well. */
export function overlapsOf<B extends Belief>(beliefs: readonly B[]): Overlap<B>[] {
  const ordered = beliefs.toSorted((a, b) => a.from - b.from);
  const overlaps: Overlap<B>[] = [];
  for (const [index, first] of ordered.entries()) {
    for (let at = index + 1; at < ordered.length; at += 1) {
      const second = ordered[at] as B;
      // Times of other boots are other clocks' and say nothing about where to end.
      if (first.boot !== second.boot || first.resource !== second.resource) continue;
      const forMs = Math.min(first.until, second.until) - second.from;
      if (second.from >= first.until) break;
      if (forMs > 0 && first.stream !== second.stream) overlaps.push({ first, second, forMs });
    }
  }
  return overlaps;
}

/** How leaders of one resource and boot followed each other, in order of their beginning. */
export function successionsOf(beliefs: readonly Belief[]): Succession[] {
  const byPlace = Map.groupBy(beliefs, ({ resource, boot }) => `${boot} ${resource}`);
  return [...byPlace.values()].flatMap((group) => {
    const ordered = group.toSorted((a, b) => a.from - b.from);
    return ordered.slice(1).map((after, index) => {
      const before = ordered[index] as Belief;
      return { before, after, gapMs: after.from - before.until };
    });
  });
}

function beliefFrom(record: JournalRecord, term: Params | null): OpenBelief | null {
  if (term === null) return null;
  const { stream, boot, mono: from } = record;
  const [, resource, member] = STREAM.exec(stream) ?? [];
  if (resource === undefined || member === undefined) return null;
  return {
    stream,
    resource,
    member,
    boot,
    from,
    token: String(term['token']),
    term: Number(term['number']),
    validUntil: Number(term['validUntil']),
  };
}

function wonTerm(record: JournalRecord): Params | null {
  return (paramsOf(record, 'awaitJournal')?.['term'] ?? null) as Params | null;
}

/** The state that stands for what was trimmed away before. */
function termAtCut({ kind, to, event }: JournalRecord): Params | null {
  const leads = typeof to === 'object' && to !== null && 'leader' in to;
  if (kind !== 'trimmed' || !leads) return null;
  const { snapshot } = event.data as unknown as { readonly snapshot: { readonly context: { term: Params } } };
  return snapshot.context.term;
}

function paramsOf(record: JournalRecord, effect: string): Params | null {
  const asked = record.effects.find(({ type }) => type === effect);
  return asked === undefined ? null : ((asked.params ?? {}) as Params);
}
