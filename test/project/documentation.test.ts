/**
 * The TypeScript in the documentation is code: every ```ts block must type-check as a module of its own, and one that
 * begins with `// example: name.ts` must also run to its end, by plain Node, as a user's program would.
 * A block opened with ```ts fragment is neither: it leaves things out on purpose.
 */
import { mkdirSync, readdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { projectFiles, read, root, run, temporaryDirectory, tool } from './repository.ts';

interface Block {
  readonly page: string;
  readonly line: number;
  readonly file: string;
  readonly code: string;
  readonly runs: boolean;
}

function blocksOf(page: string): Block[] {
  const text = read(page);
  return [...text.matchAll(/^```(?:ts|typescript)[ \t]*\n(.*?)^```/gms)].map((match, index) => {
    const code = match[1] ?? '';
    const example = /^\/\/ example: ([\w-]+\.ts)\n/.exec(code)?.[1];
    const folder = page.replaceAll(/[/.]/g, '-').toLowerCase();
    const line = text.slice(0, match.index).split('\n').length + 1;
    return { page, line, file: `${folder}/${example ?? `${index}.ts`}`, code, runs: example !== undefined };
  });
}

const blocks = projectFiles()
  .filter((path) => path.endsWith('.md'))
  .flatMap(blocksOf);

/** A directory that looks like a user's project: the packages installed, `conclave` among them. */
function userProject(directory: string): void {
  mkdirSync(join(directory, 'node_modules'));
  for (const name of readdirSync(join(root, 'node_modules')).filter((each) => !each.startsWith('.'))) {
    symlinkSync(join(root, 'node_modules', name), join(directory, 'node_modules', name));
  }
  symlinkSync(root, join(directory, 'node_modules', 'conclave'));
  const compilerOptions = {
    rootDir: '/',
    moduleDetection: 'force',
    noUnusedLocals: false,
    noUnusedParameters: false,
  };
  const tsconfig = { extends: join(root, 'tsconfig.json'), compilerOptions, include: ['.'] };
  writeFileSync(join(directory, 'tsconfig.json'), JSON.stringify(tsconfig));
  writeFileSync(join(directory, 'package.json'), JSON.stringify({ type: 'module', private: true }));
  for (const { file, code } of blocks) {
    mkdirSync(join(directory, file, '..'), { recursive: true });
    writeFileSync(join(directory, file), code);
  }
}

describe('documentation', () => {
  const scratch = temporaryDirectory();
  afterAll(() => scratch[Symbol.dispose]());

  let compilerSays: string[] = [];
  beforeAll(async () => {
    userProject(scratch.path);
    const { stdout } = await run(tool('tsc'), ['-p', '.', '--pretty', 'false'], scratch.path);
    compilerSays = stdout.split('\n').filter((line) => line !== '');
  });

  test('the compiler is content with all of it', () => {
    const elsewhere = compilerSays.filter((line) => !blocks.some(({ file }) => line.startsWith(`${file}(`)));
    expect(elsewhere).toEqual([]);
  });

  test.for(blocks)('$page:$line type-checks', ({ file }) => {
    expect(compilerSays.filter((line) => line.startsWith(`${file}(`))).toEqual([]);
  });

  test.for(blocks.filter(({ runs }) => runs))('$page:$line runs', async ({ file }) => {
    // What they leave among temporary files goes when everything else goes.
    const node = [`TMPDIR=${scratch.path}`, process.execPath, '--conditions=conclave-source'];
    const ran = await run('env', [...node, file], scratch.path);
    expect(ran, ran.stderr).toMatchObject({ code: 0 });
  });

  test('README.md shows at least one program that runs', () => {
    expect(blocks.filter(({ page, runs }) => page === 'README.md' && runs)).not.toEqual([]);
  });
});
