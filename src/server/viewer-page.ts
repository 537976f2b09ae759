import { existsSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

/** The viewer as it comes with the package, one file that needs no other. */

/** From the sources, and from what is built of them. */
const PLACES = ['../../visualizations/viewer.html', '../../../visualizations/viewer.html'];

export function viewerPage(): string {
  const paths = PLACES.map((place) => fileURLToPath(new URL(place, import.meta.url)));
  const path = paths.find((each) => existsSync(each));
  if (path === undefined) throw new Error(`The package is incomplete: ${paths[0] ?? ''} is missing.`);
  return readFileSync(path, 'utf8');
}
