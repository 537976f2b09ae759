import type { Picture, PlacedArrow, Point } from './chart-layout.ts';

/** How much a crossing disturbs a reader, in pixels of a longer way that would be as bad. */
const CROSSING_PX = 150;
/** The same for a bend, and for what an arrow covers of a state it has nothing to do with. */
const BEND_PX = 15;
/** The same for a pixel of width or height, so that the picture stays on the screen. */
const EDGE_PX = 4;

/** How hard a picture is to read: long ways, bends, crossings, size. Less is better. */
export function effortToRead({ arrows, width, height }: Picture): number {
  const length = arrows.reduce((sum, { points }) => sum + lengthOf(points), 0);
  const bends = arrows.reduce((sum, { points }) => sum + Math.max(0, points.length - 2), 0);
  return length + bends * BEND_PX + crossings(arrows) * CROSSING_PX + (width + height) * EDGE_PX;
}

const segmentsOf = ({ points }: PlacedArrow): [Point, Point][] =>
  points.slice(1).map((end, index) => [points[index] ?? end, end]);

const lengthOf = (points: readonly Point[]): number =>
  points.slice(1).reduce((sum, end, index) => {
    const start = points[index] ?? end;
    return sum + Math.hypot(end.x - start.x, end.y - start.y);
  }, 0);

export function crossings(arrows: readonly PlacedArrow[]): number {
  const segments = arrows.flatMap(segmentsOf);
  let count = 0;
  for (const [index, one] of segments.entries())
    for (const other of segments.slice(index + 1)) if (cross(one, other)) count += 1;
  return count;
}

/** Whether a horizontal and a vertical segment cross in their insides. */
function cross(one: readonly [Point, Point], other: readonly [Point, Point]): boolean {
  const isHorizontal = ([a, b]: readonly [Point, Point]) => a.y === b.y;
  if (isHorizontal(one) === isHorizontal(other)) return false;
  const [level, upright] = isHorizontal(one) ? [one, other] : [other, one];
  return isBetween(upright[0].x, level[0].x, level[1].x) && isBetween(level[0].y, upright[0].y, upright[1].y);
}

const isBetween = (value: number, a: number, b: number): boolean =>
  value > Math.min(a, b) && value < Math.max(a, b);
