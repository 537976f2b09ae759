/** Every key of every shape, in every format, in the environment and as a flag: it is taken, and one knows from where. */
import { describe, expect, test } from 'vitest';
import type { FormatName } from '../../src/config/formats/config-format.ts';
import type { ConfigValue } from '../../src/config/formats/config-node.ts';
import { readConfig } from '../../src/config/formats/read-config.ts';
import { writeConfig } from '../../src/config/formats/write-config.ts';
import { CATALOGUE, NO_EFFECT, SETTING_IDS, variableOfFlag } from '../../src/settings/catalogue.ts';
import { placedOrigin } from '../../src/settings/findings.ts';
import { showOrigin } from '../../src/settings/origin.ts';
import { hasSettingVariables } from '../../src/settings/settings-given.ts';
import { composed, nested, told, valueAt } from './settings-layers.ts';
import { BLOCK_ROWS, CONTROLLER_ROWS, FLAG_ROWS, type KeyRow, OLDER_ROWS } from './settings-table.ts';

const FORMATS: readonly FormatName[] = ['hcl', 'json', 'yaml', 'toml'];
const ROWS = [...BLOCK_ROWS, ...OLDER_ROWS, ...CONTROLLER_ROWS];

/** Without a store a file is refused; where the row gives one, it is that. */
const flagsFor = ({ setting }: KeyRow) =>
  setting?.startsWith('store.') && setting !== 'store.waitReplicas' ? {} : { store: 'memory' };
const originName = (setting: string) => (setting === 'store.name' ? 'store.connection' : setting);

async function documentOf(tree: Record<string, unknown>, format: FormatName) {
  const text = writeConfig(tree as Record<string, ConfigValue>, format);
  const reading = await readConfig([{ name: `conclave.${format}`, bytes: Buffer.from(text) }], {
    environment: {},
  });
  if (!reading.ok) throw new Error(JSON.stringify(reading.diagnostics));
  return { document: reading.document, text };
}

async function expectTaken(
  row: KeyRow,
  tree: Record<string, unknown>,
  format: FormatName,
  key: string,
): Promise<void> {
  const { document, text } = await documentOf(tree, format);
  const { settings, origins, problems, notes } = composed({ file: document.value, flags: flagsFor(row) });
  expect(told(problems)).toEqual([]);
  if (row.setting === null) {
    if (row.key !== 'version') expect(told(notes).join('\n')).toContain(`${key}: This has no effect.`);
    return;
  }
  expect(valueAt(settings, row.setting)).toEqual(row.expected);
  const origin = origins.get(originName(row.setting));
  const decides = row.beside === undefined || row.key.startsWith('server.certificates');
  if (origin === undefined || !decides) return;
  const placed = placedOrigin(origin, document);
  expect(showOrigin(placed)).toContain(`(${key})`);
  // The line it says is the line where the key stands.
  const line = text.split('\n')[(placed.layer === 'file' ? (placed.place?.line ?? 0) : 0) - 1] ?? '';
  expect(line).toContain(key.split('.').at(-1));
}

describe('in a file', () => {
  for (const format of FORMATS) {
    test.each(['conclave', 'honua', null])(`${format}: blocks in a root block %s`, async (root) => {
      for (const row of BLOCK_ROWS) {
        const inside = nested({ ...row.beside, [row.key]: row.written });
        const key = root === null ? row.key : `${root}.${row.key}`;
        await expectTaken(row, root === null ? inside : { [root]: inside }, format, key);
      }
    });
    test(`${format}: the older sections and the controller's`, async () => {
      for (const row of [...OLDER_ROWS, ...CONTROLLER_ROWS])
        await expectTaken(row, nested({ ...row.beside, [row.key]: row.written }), format, row.key);
    });
  }
});

/** A value as the environment has it. */
const asText = (value: unknown): string => (Array.isArray(value) ? value.join(',') : String(value));

function variablesOf(
  values: Readonly<Record<string, unknown>>,
  spelled: (name: string) => string,
): Record<string, string> {
  const entries = Object.entries(values).flatMap(([key, value]) => {
    // A name without a block around it is one of the root's.
    const name = key.includes('.') ? key.replaceAll('.', '__') : `conclave__${key}`;
    if (!Array.isArray(value) || typeof value[0] !== 'object') return [[name, asText(value)] as const];
    return (value as Record<string, unknown>[]).flatMap((item, index) =>
      Object.entries(item).map(([inner, each]) => [`${name}__${index}__${inner}`, asText(each)] as const),
    );
  });
  return Object.fromEntries(entries.map(([name, value]) => [spelled(name), value]));
}

describe('in the environment', () => {
  test.each([
    ['as written', (name: string) => name],
    ['in capitals', (name: string) => name.toUpperCase()],
    ['in small letters', (name: string) => name.toLowerCase()],
  ])('with double underscores, %s', (_, spelled) => {
    for (const row of ROWS) {
      // Beside keys of a file, so that only the row's own is a variable.
      const environment = variablesOf({ [row.key]: row.written }, spelled);
      const { settings, origins, problems, notes } = composed({
        file: row.beside === undefined ? null : nested(row.beside),
        environment,
        flags: flagsFor(row),
      });
      expect(told(problems)).toEqual([]);
      expect(hasSettingVariables(environment)).toBe(true);
      const names = Object.keys(environment);
      if (row.setting === null) {
        if (row.key !== 'version')
          expect(told(notes).join('\n')).toContain(`${names[0]}: This has no effect.`);
        continue;
      }
      expect([row.key, valueAt(settings, row.setting)]).toEqual([row.key, row.expected]);
      const origin = origins.get(originName(row.setting));
      if (row.beside === undefined && origin !== undefined) expect(names).toContain(showOrigin(origin));
    }
  });

  test('below a root, too', () => {
    const environment = {
      CONCLAVE__SERVER__PORT: '9090',
      Honua__high_availability__leader_election__resource_name: 'b',
    };
    const { settings } = composed({ environment, flags: { store: 'memory' } });
    expect([settings.server.port, settings.leaderElection.resourceName]).toEqual([9090, 'b']);
  });

  test.each([
    ['REDIS_CONNECTION_STRING', 'redis://:x@r', 'store.name', 'redis://:***@r:6379'],
    ['POD_NAME', 'web-7', 'leaderElection.instanceId', 'web-7'],
    ['POD_NAMESPACE', 'prod', 'leaderElection.podNamespace', 'prod'],
  ])('%s by its plain name', (variable, value, setting, expected) => {
    const { settings, origins } = composed({ environment: { [variable]: value } });
    expect(valueAt(settings, setting)).toBe(expected);
    expect(origins.get(originName(setting))).toEqual({ layer: 'environment', variable });
  });
});

test('whether there are variables that say what is wanted can be told without knowing any setting', () => {
  const plain = SETTING_IDS.flatMap((id) => CATALOGUE[id].variables ?? []);
  const seen = plain.filter((variable) => hasSettingVariables({ [variable]: 'x' }));
  // Those of a pod say nothing of it.
  expect(seen).toEqual(['REDIS_CONNECTION_STRING']);
  const none = {
    POD_NAME: 'web-1',
    CONCLAVE_LEASE_TOKEN: '1',
    CONCLAVE_CONFIG: 'x',
    CONCLAVE_ID: ' ',
    HOME: '/',
  };
  expect(hasSettingVariables(none)).toBe(false);
});

describe('as a flag, and as CONCLAVE_…', () => {
  const certificates = {
    'server.certificates.cert_file': '/tls/cert.pem',
    'server.certificates.key_file': '/tls/key.pem',
  };
  test.each(FLAG_ROWS)('--%s', (flag, text, setting, expected) => {
    const store = setting === 'store.name' ? {} : { store: 'memory' };
    const file = flag.endsWith('-file') ? nested(certificates) : null;
    const variable = variableOfFlag(flag);
    const given = [
      {
        flags: { ...store, [flag]: text === 'true' ? true : text === 'false' ? false : text },
        from: text === 'false' ? `--no-${flag}` : `--${flag}`,
      },
      { flags: store, environment: { [variable]: text }, from: variable },
    ];
    for (const { from, ...layers } of given) {
      const { settings, origins, problems } = composed({ file, ...layers });
      if (layers.environment !== undefined) expect(hasSettingVariables(layers.environment)).toBe(true);
      expect(told(problems)).toEqual([]);
      expect(valueAt(settings, setting)).toEqual(expected);
      const origin = origins.get(originName(setting));
      expect(origin && showOrigin(origin)).toBe(from);
    }
  });
});

describe('the tables of this test', () => {
  test('name every key and every flag that the catalogue has, and no other', () => {
    const keys = SETTING_IDS.flatMap((id) => CATALOGUE[id].names.map(({ path }) => path));
    const known = [...keys, ...NO_EFFECT.map(({ path }) => path), 'version'];
    expect(ROWS.map(({ key }) => key).toSorted()).toEqual(known.toSorted());
    const flags = SETTING_IDS.flatMap((id) => CATALOGUE[id].flag?.name ?? []);
    expect(FLAG_ROWS.map(([flag]) => flag).toSorted()).toEqual(flags.toSorted());
  });
});
