/** Makes the viewer: one page that holds its style, its programs and the pictures of the charts. */
import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type Plugin, rolldown } from 'rolldown';
import { pictureFile, SHIPPED_CHARTS } from '../../src/cli/diagram-shipped.ts';
import { structureHash } from '../../src/runtime/structure.ts';

const here = import.meta.dirname;
const read = (name: string): string => readFileSync(join(here, name), 'utf8');

/** What Node alone has is not needed for what the page does; whoever calls it there hears so. */
const withoutNode: Plugin = {
  name: 'without-node',
  resolveId: (id) => (id.startsWith('node:') ? { id: `\0${id}`, moduleSideEffects: false } : null),
  load: (id) => (id.startsWith('\0node:') ? { code: NODES_OWN, moduleType: 'js' } : null),
};

const NODES_OWN = `module.exports = new Proxy({}, {
  get: (_, name) => function () { throw new Error(String(name) + ' is of Node alone'); },
});`;

async function bundle(entry: string, define: Readonly<Record<string, string>>): Promise<string> {
  const build = await rolldown({
    input: join(here, entry),
    platform: 'browser',
    plugins: [withoutNode],
    resolve: { conditionNames: ['conclave-source', 'import', 'default'] },
    transform: { define: { 'process.env.NODE_ENV': '"production"', ...define } },
  });
  const { output } = await build.generate({ format: 'iife', minify: true });
  await build.close();
  return output[0].code;
}

/** Nothing in a script may end the script. */
const inScript = (code: string): string =>
  code.replaceAll('</script', String.raw`<\/script`).replaceAll('<!--', String.raw`<\!--`);

/** The whole page, as text. */
export async function buildViewer(picture: (name: string) => string): Promise<string> {
  const charts = Object.entries(SHIPPED_CHARTS);
  const hashes = charts.map(([, { machine }]) => `${machine.id}#${structureHash(machine)}`);
  const pictures = Object.fromEntries(
    charts.map(([name, { machine }]) => [machine.id, picture(pictureFile(name, 'svg'))]),
  );
  const worker = await bundle('worker.ts', { SHIPPED_CHARTS: JSON.stringify(hashes) });
  const page = await bundle('page.ts', {
    WORKER_CODE: JSON.stringify(worker),
    CHART_PICTURES: JSON.stringify(pictures),
  });
  const script = inScript(page);
  const hash = createHash('sha256').update(script).digest('base64');
  return read('index.html')
    .replace('SCRIPT-HASH', () => `sha256-${hash}`)
    .replace('/*STYLE*/', () => read('style.css'))
    .replace(/\n *\/\*SCRIPT\*\/\n */, () => script)
    .replace(
      '<html',
      () =>
        '<!-- Made from visualizations/viewer by `npm run generate`: change that, not this file. -->\n<html',
    );
}
