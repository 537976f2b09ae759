/** The code base, checked like code: sizes, names, and nothing left behind of the machine it was written on. */
import { describe, expect, test } from 'vitest';
import { projectFiles, read } from './repository.ts';

const linesMax = 400;
const medianLinesMax = 120;

const files = projectFiles();
const shipped = files.filter((path) => /^(machines|src)\/.*\.ts$/.test(path));
const linesOf = (path: string) => read(path).split('\n').length - 1;

describe('sizes', () => {
  test(`no shipped file is longer than ${linesMax} lines`, () => {
    const long = shipped.filter((path) => linesOf(path) > linesMax);
    expect(long.map((path) => `${path}: ${linesOf(path)} lines`)).toEqual([]);
  });

  test(`the median shipped file has at most ${medianLinesMax} lines`, () => {
    const sorted = shipped.map(linesOf).toSorted((a, b) => a - b);
    expect(sorted[Math.floor(sorted.length / 2)]).toBeLessThanOrEqual(medianLinesMax);
  });
});

describe('names', () => {
  // They say where something was put, not what it is.
  const sayNothing = /^(utils?|helpers?|common|misc|types|managers?|services?)$/;
  const code = files.filter((path) => /^(machines|src|test|bench|examples|lint)\//.test(path));

  test('say what a thing is', () => {
    const vague = code.filter((path) => path.split(/[/.-]/).some((word) => sayNothing.test(word)));
    expect(vague).toEqual([]);
  });
});

describe('text', () => {
  const text = files.filter((path) => !/\.(png|ico|woff2|gz|sqlite)$/.test(path));

  test('names no path of the machine it was written on', () => {
    const homes = ['work', 'root', 'home', 'Users'].join('|');
    const machinePath = new RegExp(`(?<![\\w.~*-])/(${homes})/[\\w.-]+`);
    const found = text.flatMap((path) => {
      const hit = machinePath.exec(read(path));
      return hit === null ? [] : [`${path}: ${hit[0]}`];
    });
    expect(found).toEqual([]);
  });

  test('ends each file with one line break and uses no other kind than \\n', () => {
    const recorded = /^(test\/journals|visualizations)\//;
    const odd = text
      .filter((path) => !recorded.test(path))
      .filter((path) => read(path) !== '' && (!read(path).endsWith('\n') || read(path).includes('\r\n')));
    expect(odd).toEqual([]);
  });
});
