/** The settings files that are shown and shipped: each is taken as it stands. */
import { describe, expect, test } from 'vitest';
import { readSettingsText } from '../../src/settings/settings-file.ts';
import { placedFinding } from '../../src/settings/findings.ts';
import { composed } from '../machines/settings-layers.ts';
import { projectFiles, read } from './repository.ts';

interface Shown {
  readonly name: string;
  readonly text: string;
}

/** Blocks of the page; the short ones of one line are no files. */
const onPage: readonly Shown[] = [
  ...read('docs/settings.md').matchAll(/^```(hcl|ya?ml|json)\n(.*?)^```/gms),
].map(([, format = '', text = ''], index) => ({ name: `settings-${index}.${format}`, text }));

/** Files of their own, and those inside a ConfigMap. */
const shipped: readonly Shown[] = projectFiles()
  .filter((path) => path.startsWith('deploy/'))
  .flatMap((path) => {
    if (path.endsWith('.hcl')) return [{ name: path, text: read(path) }];
    const inside = /^ {2}conclave\.hcl: \|\n((?: {4}.*\n|\n)+)/m.exec(read(path))?.[1];
    const isTemplate = inside?.includes('{{') ?? true;
    return inside === undefined || isTemplate
      ? []
      : [{ name: `${path}.hcl`, text: inside.replaceAll(/^ {4}/gm, '') }];
  });

const environment = {
  REDIS_CONNECTION_STRING: 'redis://:secret@r',
  CONCLAVE_TOKEN: 'a-token-for-tests',
  OPERATOR_TOKEN: 'a-token-for-tests',
};

describe('a settings file of the documentation or of deploy/', () => {
  test.each([...onPage, ...shipped])('$name is taken without a word', async ({ name, text }) => {
    const reading = await readSettingsText([{ name, bytes: Buffer.from(text) }], { environment });
    if (!reading.ok) throw new Error(reading.problems.map((problem) => problem.text).join('\n'));
    const { document } = reading;
    const { problems, notes } = composed({ file: document.value, environment });
    const told = [...problems, ...notes].map((finding) => placedFinding(finding, document).text);
    expect(told).toEqual([]);
  });

  test('is found', () => {
    expect(onPage.map(({ name }) => name.split('.').at(-1))).toEqual(['hcl', 'yaml', 'json']);
    expect(shipped.length).toBeGreaterThan(1);
  });
});
