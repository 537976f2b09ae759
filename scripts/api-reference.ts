/** Writes docs/api: builds the declarations aside, and makes a page of each entry point. */
import { execFileSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { apiPages, type EntryPoint } from './api-page.ts';

const root = join(import.meta.dirname, '..');
export const API_DIRECTORY = 'docs/api';

/** What package.json exports, in a build at `dist`. */
export function entryPointsIn(dist: string): EntryPoint[] {
  const { exports } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    exports: Record<string, string | { readonly types: string; readonly 'conclave-source': string }>;
  };
  return Object.entries(exports).flatMap(([subpath, target]) =>
    typeof target === 'string'
      ? []
      : [
          {
            specifier: `conclave${subpath.slice(1)}`,
            file: join(dist, target.types.replace('./dist/', '')),
            source: join(root, target['conclave-source']),
          },
        ],
  );
}

export function writeApiReference(): void {
  const dist = mkdtempSync(join(tmpdir(), 'conclave-declarations-'));
  try {
    const only = ['--emitDeclarationOnly', '--declarationMap', 'false', '--outDir', dist];
    execFileSync(join(root, 'node_modules/.bin/tsc'), ['-p', 'tsconfig.build.json', ...only], { cwd: root });
    const directory = join(root, API_DIRECTORY);
    rmSync(directory, { recursive: true, force: true });
    mkdirSync(directory, { recursive: true });
    for (const [name, text] of apiPages(entryPointsIn(dist))) writeFileSync(join(directory, name), text);
  } finally {
    rmSync(dist, { recursive: true, force: true });
  }
}
