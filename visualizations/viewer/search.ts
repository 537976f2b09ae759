import { FLAG, type History } from './model.ts';
import type { Filter } from './view-state.ts';

/** Tells whether a row passes the filter. Words are looked for once in each distinct text, not once in each record. */
export function matcher(history: History, { text, lane, show }: Filter): (row: number) => boolean {
  const { columns, strings, members, lanes } = history;
  const words = text.toLowerCase().split(/\s+/).filter(Boolean);
  const found = words.map((word) => strings.map((each) => each.toLowerCase().includes(word)));
  const names = words.map((word) =>
    members.map(({ name, label }) => name.toLowerCase().includes(word) || label.toLowerCase().includes(word)),
  );
  const searched = [columns.event, columns.from, columns.to, columns.effects, columns.token, columns.kind];
  const wanted = members.map((member) => lane === null || lanes[member.lane]?.label === lane);
  const bit = show === 'all' ? 0 : FLAG[show];
  return (row) =>
    wanted[columns.member[row] ?? 0] === true &&
    ((columns.flags[row] ?? 0) & bit) === bit &&
    words.every(
      (word, at) =>
        searched.some((column) => found[at]?.[column[row] ?? 0]) ||
        names[at]?.[columns.member[row] ?? 0] ||
        word === `@${columns.seq[row] ?? 0}`,
    );
}
