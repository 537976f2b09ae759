/** Links in the documentation lead somewhere, and its index leads to all of it. */
import { existsSync, statSync } from 'node:fs';
import { dirname, join, normalize } from 'node:path';
import { expect, test } from 'vitest';
import { projectFiles, read, root } from './repository.ts';

const files = projectFiles();
const pages = files.filter((path) => path.endsWith('.md'));

/** Without what only looks like a link. */
const prose = (page: string): string =>
  read(page)
    .replaceAll(/^```.*?^```/gms, '')
    .replaceAll(/`[^`\n]*`/g, '');

/** As GitHub names the places that headings are. */
function anchorsOf(page: string): Set<string> {
  const found = new Set<string>();
  for (const [, heading = ''] of read(page)
    .replaceAll(/^```.*?^```/gms, '')
    .matchAll(/^#{1,6} +(.+)$/gm)) {
    const text = heading.replaceAll(/\[([^\]]*)\]\([^)]*\)/g, '$1').toLowerCase();
    const slug = text.replaceAll(/[^\p{L}\p{N}_\- ]/gu, '').replaceAll(' ', '-');
    let name = slug;
    for (let count = 1; found.has(name); count++) name = `${slug}-${count}`;
    found.add(name);
  }
  return found;
}

const linksOf = (page: string): string[] =>
  [...prose(page).matchAll(/\]\(([^)\s]+)\)/g)]
    .map(([, target = '']) => target)
    .filter((target) => !/^\w+:/.test(target));

test('every link leads to a file that is there, and to a heading in it', () => {
  const broken = pages.flatMap((page) =>
    linksOf(page).flatMap((target) => {
      const [path = '', anchor] = target.split('#');
      const there = path === '' ? page : normalize(join(dirname(page), path));
      if (!existsSync(join(root, there))) return [`${page}: ${target}`];
      if (anchor === undefined || !there.endsWith('.md')) return [];
      return anchorsOf(there).has(anchor) ? [] : [`${page}: ${target}`];
    }),
  );
  expect(broken).toEqual([]);
});

test('docs/README.md leads to every page and every example', () => {
  const linked = new Set(linksOf('docs/README.md').map((target) => normalize(join('docs', target))));
  const wanted = files.filter(
    (path) => /^docs\/[\w-]+\.md$|^examples\/[\w-]+\.ts$/.test(path) && path !== 'docs/README.md',
  );
  expect(wanted.filter((path) => !linked.has(path))).toEqual([]);
  expect(statSync(join(root, 'docs/api/README.md')).isFile()).toBe(true);
});
