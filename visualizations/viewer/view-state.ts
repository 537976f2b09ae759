import type { Columns, History } from './model.ts';

/** What the page shows, and who is told when it changes. */

export interface Filter {
  /** Words that all must be found in event, states, effects, token or number. */
  readonly text: string;
  /** Resource shown; null for all. */
  readonly resource: string | null;
}

type Part = 'history' | 'row' | 'filter' | 'range';

export class ViewState {
  history: History | null = null;
  /** Rows that pass the filter, in order. */
  rows: Uint32Array = new Uint32Array();
  /** The chosen row of the history; -1 for none. */
  row = -1;
  filter: Filter = { text: '', resource: null };
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
    const wasWhole = this.#showsAll();
    this.history = history;
    const { resource } = this.filter;
    if (!history.members.some((member) => member.resource === resource))
      this.filter = { ...this.filter, resource: history.members[0]?.resource ?? null };
    this.#applyFilter();
    const length = history.columns.seq.length;
    this.row = keep && !this.following && before !== null ? this.rowAt(before) : length - 1;
    if (!keep || wasWhole) this.range = this.whole();
    for (const part of ['history', 'range', 'row'] as const) this.#tell(part);
  }

  setFilter(change: Partial<Filter>): void {
    const resource = this.filter.resource;
    this.filter = { ...this.filter, ...change };
    this.#applyFilter();
    this.#tell('filter');
    if (this.filter.resource === resource) return;
    this.range = this.whole();
    this.#tell('range');
    this.choose(this.rows.at(-1) ?? -1);
  }

  choose(row: number): void {
    const length = this.history?.columns.seq.length ?? 0;
    const next = Math.min(Math.max(row, 0), length - 1);
    if (next === this.row) return;
    this.row = next;
    this.following = next === length - 1 && this.following;
    this.#tell('row');
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

  /** The whole time of the resource that is shown, with a little air. */
  whole(): readonly [number, number] {
    const { history } = this;
    if (history === null || this.rowsOfResource().length === 0) return [0, 1];
    const rows = this.rowsOfResource();
    const { time } = history.columns;
    const [from, until] = [time[rows[0] ?? 0] ?? 0, time[rows.at(-1) ?? 0] ?? 1];
    const air = Math.max((until - from) * 0.02, 5);
    return [from - air, until + air];
  }

  /** Time of the chosen row. */
  get at(): number | null {
    return this.row < 0 ? null : (this.history?.columns.time[this.row] ?? null);
  }

  /** The last row of the shown resource at or before a time. */
  rowAt(time: number): number {
    const rows = this.rowsOfResource();
    const times = this.history?.columns.time;
    if (times === undefined || rows.length === 0) return -1;
    let [low, high] = [0, rows.length];
    while (low < high) {
      const middle = (low + high) >> 1;
      if ((times[rows[middle] ?? 0] ?? 0) <= time) low = middle + 1;
      else high = middle;
    }
    return rows[Math.max(low - 1, 0)] ?? -1;
  }

  /** The state of each member after the chosen row. */
  statesAt(row: number): readonly (string | null)[] {
    const { history } = this;
    if (history === null) return [];
    return history.members.map((_, member) => {
      const at = this.#lastOf(member, row);
      return at < 0 ? null : (history.strings[history.columns.to[at] ?? 0] ?? null);
    });
  }

  text(column: Exclude<keyof Columns, 'member' | 'seq' | 'time'>, row: number): string {
    const { history } = this;
    return history === null ? '' : (history.strings[history.columns[column][row] ?? 0] ?? '');
  }

  rowsOfResource(): Uint32Array {
    return this.#ofResource;
  }

  #ofResource: Uint32Array = new Uint32Array();
  /** Rows of each member, in order. */
  #ofMember: Uint32Array[] = [];

  #lastOf(member: number, row: number): number {
    const rows = this.#ofMember[member] ?? new Uint32Array();
    const at = lowerBound(rows, row + 1) - 1;
    return at < 0 ? -1 : (rows[at] ?? -1);
  }

  #showsAll(): boolean {
    const [from, until] = this.whole();
    return this.range[0] <= from && this.range[1] >= until;
  }

  #applyFilter(): void {
    const { history, filter } = this;
    if (history === null) return;
    const { member } = history.columns;
    const wanted = history.members.map(
      ({ resource }) => filter.resource === null || resource === filter.resource,
    );
    const own: number[][] = history.members.map(() => []);
    const all: number[] = [];
    for (const [row, at] of member.entries()) {
      own[at]?.push(row);
      if (wanted[at]) all.push(row);
    }
    this.#ofMember = own.map((rows) => Uint32Array.from(rows));
    this.#ofResource = Uint32Array.from(all);
    this.rows = filter.text.trim() === '' ? this.#ofResource : Uint32Array.from(all.filter(this.#matches()));
  }

  /** Words are looked for once in each distinct text, not once in each record. */
  #matches(): (row: number) => boolean {
    const history = this.history as History;
    const words = this.filter.text.toLowerCase().split(/\s+/).filter(Boolean);
    const { columns, strings, members } = history;
    const found = words.map((word) => strings.map((text) => text.toLowerCase().includes(word)));
    const names = words.map((word) => members.map(({ name }) => name.toLowerCase().includes(word)));
    const searched = [columns.event, columns.from, columns.to, columns.effects, columns.token, columns.kind];
    return (row) =>
      words.every(
        (word, at) =>
          searched.some((column) => found[at]?.[column[row] ?? 0]) ||
          names[at]?.[columns.member[row] ?? 0] ||
          word === `@${columns.seq[row] ?? 0}`,
      );
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
