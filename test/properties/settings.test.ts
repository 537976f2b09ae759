/** Settings out of anything: a clear answer with a place, never a crash, a hang, or a secret told. */
import { fc, test } from '@fast-check/vitest';
import { inspect } from 'node:util';
import { describe, expect } from 'vitest';
import type { ConfigValue } from '../../src/config/formats/config-node.ts';
import { writeConfig } from '../../src/config/formats/write-config.ts';
import { placedFinding } from '../../src/settings/findings.ts';
import { showOrigin } from '../../src/settings/origin.ts';
import { readSettingsText } from '../../src/settings/settings-file.ts';
import { shownSettings } from '../../src/settings/shown-settings.ts';
import { composed, nested } from '../machines/settings-layers.ts';
import {
  FORMATS,
  givenFlags,
  hasSecret,
  mangle,
  mangled,
  rows,
  tree,
  variables,
} from './settings-mangled.ts';

const expectNoSecret = (text: string): void => expect([hasSecret(text), text]).toEqual([false, text]);

async function judge(
  file: string,
  text: string,
  environment: Record<string, string>,
  flags: Record<string, unknown>,
): Promise<void> {
  const reading = await readSettingsText([{ name: file, bytes: Buffer.from(text) }], { environment });
  if (!reading.ok) {
    expect(reading.problems.length).toBeGreaterThan(0);
    for (const problem of reading.problems) expect(problem.text).toMatch(/^conclave\.\w+(:\d+:\d+)?: ./);
    return expectNoSecret(JSON.stringify(reading.problems));
  }
  const { document } = reading;
  const { settings, origins, problems, notes } = composed({ file: document.value, environment, flags });
  const told = [...problems, ...notes].map((finding) => placedFinding(finding, document));
  for (const { origin, text: line } of told) {
    if (origin === null || origin.layer === 'default') continue;
    // Each says where: a line of the file, a variable, or a flag.
    expect(line.startsWith(origin.layer === 'file' ? `${file}:` : showOrigin(origin))).toBe(true);
    if (origin.layer === 'file') expect(origin.place?.line).toBeGreaterThan(0);
  }
  expectNoSecret(JSON.stringify(told));
  const shown = shownSettings(settings, origins);
  // A value of a setting that is shown to everybody is shown: what became a name by a cut cannot be known for a secret.
  const becamePlain = shown.filter((setting) => hasSecret(setting.text));
  for (const { setting, text: name } of becamePlain) {
    // Where a store is has no password in it, whatever became its user, host or path.
    if (setting === 'store.name') expect(['***', undefined]).toContain(/:([^:@/]+)@/.exec(name)?.[1]);
  }
  if (becamePlain.length === 0)
    expectNoSecret(JSON.stringify([shown, settings]) + inspect(settings, { depth: 9 }));
}

describe('whatever is in the file, the environment and the flags', () => {
  test.prop([tree, fc.constantFrom(...FORMATS), fc.array(mangle, { maxLength: 4 }), variables, givenFlags], {
    numRuns: 600,
  })(
    'there is an answer with places, and no secret in it',
    async (values, format, changes, environment, flags) => {
      const text = mangled(writeConfig(values as Record<string, ConfigValue>, format), changes);
      await judge(`conclave.${format}`, text, environment, flags);
    },
  );

  test.prop(
    [
      fc.jsonValue({ maxDepth: 4 }),
      fc.array(fc.constantFrom(...rows.map(([key]) => key)), { minLength: 1, maxLength: 6 }),
    ],
    { numRuns: 200 },
  )('any value may stand for any key', async (value, keys) => {
    const values = nested(
      Object.fromEntries(
        keys
          .filter(
            (key, index) =>
              !keys.slice(0, index).some((other) => key.startsWith(other) || other.startsWith(key)),
          )
          .map((key) => [key, value]),
      ),
    );
    await judge('conclave.json', JSON.stringify(values), {}, {});
  });
});
