/** `npm run generate`: makes the pictures of the charts in this directory. A test holds them equal to the charts. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { drawDiagram } from '../src/cli/diagram.ts';
import { chartOf } from '../src/cli/diagram-chart.ts';
import { FORMATS, madeFrom, pictureFile, SHIPPED_CHARTS } from '../src/cli/diagram-shipped.ts';
import { layOut } from './chart-layout.ts';
import { toSvg } from './chart-svg.ts';
import { buildViewer } from './viewer/build.ts';

/** Every generated file of this directory, by name. */
export async function generate(): Promise<ReadonlyMap<string, string>> {
  const files = new Map<string, string>();
  for (const [name, shipped] of Object.entries(SHIPPED_CHARTS)) {
    for (const format of FORMATS) {
      const text =
        format === 'svg'
          ? toSvg(name, await layOut(chartOf(shipped.machine)), [madeFrom(shipped)])
          : drawDiagram(name, format);
      files.set(pictureFile(name, format), text);
    }
  }
  files.set('viewer.html', await buildViewer((name) => files.get(name) ?? ''));
  return files;
}

if (import.meta.main) {
  for (const [name, text] of await generate()) writeFileSync(join(import.meta.dirname, name), text);
}
