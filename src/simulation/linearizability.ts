import type { LeaseOperation } from './linearizability-history.ts';
import {
  apply,
  FREE,
  withBeliefs,
  type Judged,
  type LeaseState,
  type TimedOperation,
} from './linearizability-lease.ts';

/**
 * Whether a history of lease operations is one that a single lease, deciding one operation after the other, could have
 * given: each takes effect at one moment between call and answer, an unanswered one at any later moment or never.
 *
 * The search is that of Wing and Gong ("Testing and verifying concurrent objects", 1993) with the memory of Lowe
 * ("Testing for linearizability", 2017), one resource at a time. Time makes it no harder: nothing that is allowed
 * later is forbidden by an operation having happened sooner, so each is tried at the earliest moment it can have.
 */
export interface HistoryVerdict {
  /** Null if the history is possible, or `undecided`. */
  readonly violation: HistoryViolation | null;
  /** Resources of which the search did not come to an end within its limit. */
  readonly undecided: readonly string[];
  /** States that were looked at. */
  readonly states: number;
}

export interface HistoryViolation {
  readonly resource: string;
  /** The shortest beginning of the history that is not possible, in order of the calls. */
  readonly prefix: readonly LeaseOperation[];
  readonly message: string;
}

/** States looked at for one history of a resource; beyond it, the verdict is open. */
export const STATES_MAX = 200_000;
/** Operations of the shortest impossible beginning that a message shows. */
const SHOWN_MAX = 12;

export interface HistoryOptions {
  /**
   * `grants` (default): no grant while another may believe, tokens grow; right for stores that may lose data. `all`:
   * also whatever else was answered; for a store that loses nothing over a network that repeats nothing.
   */
  readonly judged?: Judged;
  readonly statesMax?: number;
}

/**
 * Judges a history.
 *
 * @example
 * const { violation } = checkLeaseHistory(history.operations);
 * if (violation !== null) throw new Error(violation.message);
 */
export function checkLeaseHistory(
  operations: readonly LeaseOperation[],
  { judged = 'grants', statesMax = STATES_MAX }: HistoryOptions = {},
): HistoryVerdict {
  let states = 0;
  const undecided: string[] = [];
  for (const [resource, own] of Map.groupBy(operations, ({ request }) => request.resource)) {
    const judge = (some: readonly LeaseOperation[]) => {
      const found = search(withBeliefs(some), judged, statesMax);
      states += found.states;
      return found.possible;
    };
    const ordered = own.toSorted((a, b) => a.calledAt - b.calledAt);
    const possible = judge(ordered);
    if (possible === null) undecided.push(resource);
    if (possible !== false) continue;
    const prefix = shortestBad(ordered, judge);
    return { violation: { resource, prefix, message: explain(resource, prefix, judged) }, undecided, states };
  }
  return { violation: null, undecided, states };
}

/** Null where the limit was reached. */
function search(
  operations: readonly TimedOperation[],
  judged: Judged,
  statesMax: number,
): { readonly possible: boolean | null; readonly states: number } {
  const relevant = operations.filter(({ operation }) => matters(operation, judged));
  const answered = relevant.filter(({ operation }) => operation.returnedAt !== null).length;
  const earliest = new Map<string, number>();
  const stack: Node[] = [{ from: 0, done: new Set(), answered: 0, state: FREE, at: -Infinity }];
  for (let states = 0; stack.length > 0; states += 1) {
    if (states > statesMax) return { possible: null, states };
    const node = stack.pop() as Node;
    if (node.answered === answered) return { possible: true, states };
    const key = keyOf(node);
    const before = earliest.get(key);
    if (before !== undefined && before <= node.at) continue;
    earliest.set(key, node.at);
    // Answered ones are tried first: pushed last.
    const next = successors(node, relevant, judged);
    stack.push(...next.toSorted((a, b) => a.answered - b.answered || b.at - a.at));
  }
  return { possible: false, states: earliest.size };
}

interface Node {
  /** All operations before this index are done. */
  readonly from: number;
  /** Those that are done from there on. */
  readonly done: ReadonlySet<number>;
  /** How many of those done were answered. */
  readonly answered: number;
  readonly state: LeaseState;
  readonly at: number;
}

function successors(node: Node, operations: readonly TimedOperation[], judged: Judged): Node[] {
  const next: Node[] = [];
  // An operation comes next only if none that is not done was answered before it was called.
  let answeredBy = Infinity;
  for (let i = node.from; i < operations.length; i += 1) {
    const timed = operations[i] as TimedOperation;
    const { calledAt, returnedAt } = timed.operation;
    if (calledAt > answeredBy) break;
    if (node.done.has(i)) continue;
    answeredBy = Math.min(answeredBy, returnedAt ?? Infinity);
    const outcome = apply(node.state, timed, Math.max(node.at, calledAt), judged);
    if (outcome === null || outcome.at > (returnedAt ?? Infinity)) continue;
    next.push(advanced(node, i, { ...outcome, answered: node.answered + Number(returnedAt !== null) }));
  }
  return next;
}

function advanced(
  { from, done }: Node,
  index: number,
  rest: { readonly state: LeaseState; readonly at: number; readonly answered: number },
): Node {
  const more = new Set(done).add(index);
  let first = from;
  while (more.delete(first)) first += 1;
  return { from: first, done: more, ...rest };
}

/** One without an answer matters only where it may explain what others were told. */
function matters({ kind, returnedAt }: LeaseOperation, judged: Judged): boolean {
  return returnedAt !== null || (judged === 'all' && (kind === 'acquire' || kind === 'release'));
}

function keyOf({ from, done, state }: Node): string {
  const { holder, token, highest, believedUntil } = state;
  return `${from} ${[...done].toSorted((a, b) => a - b).join(',')} ${holder} ${token} ${highest} ${believedUntil}`;
}

/** What is possible stays so when its end is left off: the shortest that is not is found by halving. */
function shortestBad(
  operations: readonly LeaseOperation[],
  judge: (some: readonly LeaseOperation[]) => boolean | null,
): readonly LeaseOperation[] {
  const answers = operations.flatMap(({ returnedAt }) => returnedAt ?? []).toSorted((a, b) => a - b);
  let [good, bad] = [-1, answers.length - 1];
  while (bad - good > 1) {
    const middle = Math.floor((good + bad) / 2);
    if (judge(until(operations, answers[middle] as number)) === false) bad = middle;
    else good = middle;
  }
  return until(operations, answers[bad] as number);
}

/** What was known at that moment. */
function until(operations: readonly LeaseOperation[], at: number): LeaseOperation[] {
  return operations
    .filter(({ calledAt }) => calledAt <= at)
    .map((operation) =>
      (operation.returnedAt ?? Infinity) <= at ? operation : { ...operation, returnedAt: null, reply: null },
    );
}

function explain(resource: string, prefix: readonly LeaseOperation[], judged: Judged): string {
  const shown = prefix.filter((operation) => matters(operation, judged)).slice(-SHOWN_MAX);
  const lines = shown.map(({ kind, by, calledAt, returnedAt, request, reply }) => {
    const token = 'token' in request ? ` ${request.token}` : '';
    const plain = (_: string, value: unknown) => (typeof value === 'bigint' ? String(value) : value);
    const answer =
      returnedAt === null ? 'not answered' : `at ${returnedAt.toFixed(1)}: ${JSON.stringify(reply, plain)}`;
    return `  ${calledAt.toFixed(1)} ${by} ${kind}${token} → ${answer}`;
  });
  return (
    `No single lease of "${resource}" can have answered so. The shortest beginning of the history that shows it ` +
    `has ${prefix.length} operations, and ends with:\n${lines.join('\n')}`
  );
}
