import { styleText } from 'node:util';
import { table } from '../output.ts';

/** What the board shows, before it is known how much of it there is room for. */
export interface BoardContent {
  readonly title: readonly string[];
  readonly heading: readonly string[];
  readonly rows: readonly { readonly cells: readonly string[]; readonly leads: boolean }[];
  /** Columns that a narrow terminal does without, the first first. */
  readonly dispensable: readonly number[];
  readonly story: readonly string[];
  /** What each key does, with several spaces between. */
  readonly footer: string;
}

/** How far a line of the story that is too long goes on: below what happened, not below when. */
const STORY_INDENT = 12;

/** As many lines as the terminal has, none wider than it: one more, and each repainting would push the board up. */
export function layOut(
  content: BoardContent,
  size: { readonly columns: number; readonly rows: number },
): string[] {
  const { columns } = size;
  const fit = (line: string) => line.slice(0, columns);
  const cells = content.rows.map((row) => row.cells);
  const [heading = '', ...states] = tableWithin(columns, [content.heading, ...cells], content.dispensable);
  const styled = states.map((line, n) =>
    content.rows[n]?.leads ? styleText('green', fit(line)) : fit(line),
  );
  const title = content.title.map((line) => styleText('bold', fit(line)));
  const head = [...title, '', styleText('bold', fit(heading)), ...styled, ''];
  const foot = ['', ...wrap(content.footer.split(/ {2,}/), '   ', columns)];
  const room = Math.max(0, size.rows - head.length - foot.length);
  const told = content.story.slice(-room).flatMap((line) => wrapStory(line, columns));
  const story = told.slice(Math.max(0, told.length - room));
  const padding = Array.from({ length: room - story.length }, () => '');
  return [...head, ...story, ...padding, ...foot].slice(0, size.rows);
}

/** The table, without the columns that it can do without as long as it is too wide. */
function tableWithin(
  columns: number,
  rows: readonly (readonly string[])[],
  dispensable: readonly number[],
): string[] {
  for (let dropped = 0; ; dropped += 1) {
    const without = new Set(dispensable.slice(0, dropped));
    const lines = table(rows.map((row) => row.filter((_, column) => !without.has(column))));
    if (dropped === dispensable.length || lines.every(({ length }) => length <= columns)) return lines;
  }
}

/** As many parts in a line as fit. */
function wrap(parts: readonly string[], separator: string, columns: number, indent = ''): string[] {
  const lines: string[] = [];
  for (const part of parts) {
    const last = lines.at(-1);
    const longer = `${last}${separator}${part}`;
    if (last !== undefined && longer.length <= columns) lines[lines.length - 1] = longer;
    else lines.push((last === undefined ? part : indent + part).slice(0, columns));
  }
  return lines;
}

function wrapStory(line: string, columns: number): string[] {
  if (line.length <= columns) return [line];
  const when = line.slice(0, STORY_INDENT);
  const [first = '', ...others] = line.slice(STORY_INDENT).split(' ');
  return wrap([when + first, ...others], ' ', columns, ' '.repeat(STORY_INDENT));
}
