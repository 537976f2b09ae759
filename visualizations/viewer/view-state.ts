import type { Columns, FLAG, History, Span } from './model.ts';
import { matcher } from './search.ts';

/** What the page shows, and who is told when it changes. */

export interface Filter {
  /** Words that all must be found in event, states, effects, member, token or number. */
  readonly text: string;
  /** What is led, or another group of lanes; null for all. */
  readonly group: string | null;
  /** Label of a lane; null for all. */
  readonly lane: string | null;
  readonly show: keyof typeof FLAG | 'all';
}

export const NO_FILTER: Filter = { text: '', group: null, lane: null, show: 'all' };

type Part = 'history' | 'row' | 'filter' | 'range';

export class ViewState {
  history: History | null = null;
  /** Rows that pass the filter, in order. */
  rows: Uint32Array = new Uint32Array();
  /** The chosen row of the history; -1 for none. */
  row = -1;
  filter: Filter = NO_FILTER;
  /** Part of time that the timeline shows, in milliseconds since the epoch. */
  range: readonly [from: number, until: number] = [0, 1];
  /** Whether the newest record is followed as records come. */
  following = false;
  readonly #listeners: ((part: Part) => void)[] = [];

  onChange(listener: (part: Part) => void): void {
    this.#listeners.push(listener);
  }

  /** Shows another history; keeps the place if it is live. */
  show(history: History, { keep }: { readonly keep: boolean }): void {
    const before = this.at;
    const place = this.#place;
    const wasWhole = this.#showsAll();
    this.history = history;
    this.#keepFilter(history);
    this.#sortOut(history);
    this.#applyFilter();
    this.row =
      keep && !this.following && before !== null ? this.#sameRow(history, place, before) : this.newest;
    if (!keep || wasWhole) this.range = this.whole();
    else this.#keepInSight();
    for (const part of ['history', 'range', 'row'] as const) this.#tell(part);
  }

  setFilter(change: Partial<Filter>): void {
    const { group } = this.filter;
    this.filter = { ...this.filter, ...change };
    if (this.history !== null && group !== this.filter.group) this.#sortOut(this.history);
    this.#applyFilter();
    this.#tell('filter');
    if (this.filter.group === group) return;
    this.range = this.whole();
    this.#tell('range');
    this.choose(this.#ofGroup.at(-1) ?? -1);
  }

  choose(row: number): void {
    const length = this.history?.columns.seq.length ?? 0;
    const next = Math.min(Math.max(row, 0), length - 1);
    if (next === this.row) return;
    this.row = next;
    this.following = next === this.newest && this.following;
    if (this.#keepInSight()) this.#tell('range');
    this.#tell('row');
  }

  /** Follows the newest record from now on, or stays where it is. */
  follow(following: boolean): void {
    this.following = following;
    if (following) this.row = this.newest;
    this.#tell('row');
  }

  get newest(): number {
    return this.#ofGroup.at(-1) ?? -1;
  }

  /** What tells the chosen record from all others. */
  get #place(): string {
    const { history, row } = this;
    return history === null || row < 0 ? '' : placeOf(history, row);
  }

  /** The row that the chosen record has in another history; the one of its time if it is gone. */
  #sameRow(history: History, place: string, time: number): number {
    const near = this.rowAt(time);
    for (let by = 0; by < 2000; by += 1)
      for (const row of [near - by, near + by])
        if (row >= 0 && row < history.columns.seq.length && placeOf(history, row) === place) return row;
    return near;
  }

  /** So many rows on, among those that pass the filter. */
  step(by: number): void {
    const { rows } = this;
    if (rows.length === 0) return;
    const at = lowerBound(rows, this.row);
    const exact = rows[at] === this.row;
    const target = by < 0 ? at + by : at + by - (exact ? 0 : 1);
    this.choose(rows[Math.min(Math.max(target, 0), rows.length - 1)] ?? this.row);
  }

  setRange(from: number, until: number): void {
    const [first, last] = this.whole();
    const width = Math.min(Math.max(until - from, 1), Math.max(last - first, 1));
    const start = Math.min(Math.max(from, first), Math.max(last - width, first));
    this.range = [start, start + width];
    this.#tell('range');
  }

  /** Moves the range where the chosen record has left it; false if it had not. */
  #keepInSight(): boolean {
    const { at, range } = this;
    const [from, until] = range;
    if (at === null || (at >= from && at <= until)) return false;
    const width = until - from;
    const start = at > until ? at - width * 0.9 : at - width * 0.1;
    this.range = [start, start + width];
    return true;
  }

  /** The whole time of the group that is shown, with a little air. */
  whole(): readonly [number, number] {
    const { history } = this;
    const rows = this.#ofGroup;
    if (history === null || rows.length === 0) return [0, 1];
    const { time } = history.columns;
    const [from, until] = [time[rows[0] ?? 0] ?? 0, time[rows.at(-1) ?? 0] ?? 1];
    const air = Math.max((until - from) * 0.02, 5);
    return [from - air, until + air];
  }

  /** Time of the first record that is shown. */
  get start(): number {
    return this.history?.columns.time[this.#ofGroup[0] ?? 0] ?? 0;
  }

  /** Time of the chosen row. */
  get at(): number | null {
    return this.row < 0 ? null : (this.history?.columns.time[this.row] ?? null);
  }

  /** The last row of the shown group at or before a time. */
  rowAt(time: number): number {
    const rows = this.#ofGroup;
    return rows[Math.max(this.countUntil(rows, time) - 1, 0)] ?? -1;
  }

  /** How many of these rows are at or before a time. */
  countUntil(rows: Uint32Array, time: number): number {
    const times = this.history?.columns.time ?? new Float64Array();
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[rows[middle] ?? 0] ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Who believed that it led at a time, in what is shown. */
  leadingAt(time: number): readonly Span[] {
    return this.spans.filter(({ from, until }) => from <= time && time < until);
  }

  /** Indexes of the lanes that are shown. */
  get lanes(): readonly number[] {
    return (this.history?.lanes ?? []).flatMap(({ group }, lane) => (this.#isShown(group) ? [lane] : []));
  }

  /** The state of a lane after a row, and the one it came from; null before its first record. */
  stateOf(lane: number, row: number): readonly [state: string | null, from: string | null] {
    const rows = this.rowsOfLane(lane);
    const at = rows[lowerBound(rows, row + 1) - 1];
    return at === undefined ? [null, null] : [this.text('to', at), this.text('from', at)];
  }

  text(column: Exclude<keyof Columns, 'member' | 'seq' | 'time' | 'flags'>, row: number): string {
    const { history } = this;
    return history === null ? '' : (history.strings[history.columns[column][row] ?? 0] ?? '');
  }

  /** Rows of the group that is shown, whatever else is filtered. */
  get rowsOfGroup(): Uint32Array {
    return this.#ofGroup;
  }

  /** Rows of one lane, in order. */
  rowsOfLane(lane: number): Uint32Array {
    return this.#ofLane[lane] ?? new Uint32Array();
  }

  /** Beliefs in what is shown, in order of their beginning. */
  spans: readonly Span[] = [];
  #ofGroup: Uint32Array = new Uint32Array();
  #ofLane: Uint32Array[] = [];

  #isShown(group: string): boolean {
    return this.filter.group === null || this.filter.group === group;
  }

  #showsAll(): boolean {
    const [from, until] = this.whole();
    return this.range[0] <= from && this.range[1] >= until;
  }

  /** Several resources have nothing to do with each other: one of them is shown at first, else everything. */
  #keepFilter({ lanes }: History): void {
    const { group, lane } = this.filter;
    const groups = [...new Set(lanes.map((each) => each.group))];
    const resources = new Set(lanes.flatMap((each) => (each.machine === 'leadership' ? [each.group] : [])));
    const isThere = group === null ? resources.size < 2 : groups.includes(group);
    if (!isThere)
      this.filter = { ...this.filter, group: resources.size < 2 ? null : ([...resources][0] ?? null) };
    if (lane !== null && !lanes.some(({ label }) => label === lane))
      this.filter = { ...this.filter, lane: null };
  }

  /** Which rows are whose. */
  #sortOut({ members, lanes, columns, spans }: History): void {
    const ofLane: number[][] = lanes.map(() => []);
    const ofGroup: number[] = [];
    const shown = members.map(({ group }) => this.#isShown(group));
    for (const [row, at] of columns.member.entries()) {
      ofLane[members[at]?.lane ?? 0]?.push(row);
      if (shown[at]) ofGroup.push(row);
    }
    this.#ofLane = ofLane.map((rows) => Uint32Array.from(rows));
    this.#ofGroup = Uint32Array.from(ofGroup);
    this.spans = spans.filter(({ resource }) => this.#isShown(resource));
  }

  #applyFilter(): void {
    const { history } = this;
    if (history === null) return;
    const { text, lane, show } = this.filter;
    const isWanted = matcher(history, this.filter);
    const everything = text.trim() === '' && lane === null && show === 'all';
    this.rows = everything ? this.#ofGroup : this.#ofGroup.filter(isWanted);
  }

  #tell(part: Part): void {
    for (const listener of this.#listeners) listener(part);
  }
}

/** Index of the first value that is not below. */
export function lowerBound(sorted: Uint32Array, value: number): number {
  let [low, high] = [0, sorted.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((sorted[middle] ?? 0) < value) low = middle + 1;
    else high = middle;
  }
  return low;
}

const placeOf = ({ columns, members }: History, row: number): string =>
  `${members[columns.member[row] ?? 0]?.stream ?? ''}@${columns.seq[row] ?? 0}`;
