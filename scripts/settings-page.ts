/** Prints docs/settings.md from the catalogue of settings: `npm run generate`. */
import { CATALOGUE, NO_EFFECT, SETTING_IDS, variableOfFlag } from '../src/settings/catalogue.ts';
import type { Entry, Flag, Name } from '../src/settings/catalogue-entry.ts';
import { PRESETS } from '../src/settings/presets.ts';
import { SETTINGS_FILES } from '../src/settings/settings-given.ts';
import {
  COMMANDS,
  ENVIRONMENT,
  FILE,
  INTRODUCTION,
  MIGRATING,
  RULES,
  SECRETS,
} from './settings-page-text.ts';

/** Which settings stand together, by how their names begin. */
const GROUPS: readonly (readonly [title: string, belongs: (setting: string) => boolean])[] = [
  ['The election', (setting) => /^(leaderElection|highAvailability)/.test(setting)],
  ['The store', (setting) => /^(store|redis)\./.test(setting)],
  ['The configuration of the application', (setting) => setting.startsWith('configuration.')],
  ['What is served', (setting) => /^(server|metrics)\./.test(setting)],
  ['The member', () => true],
];

const CHANGES = { live: 'live', restart: 'after a restart', immutable: 'never' } as const;

/** The page as it must be. */
export function settingsPage(): string {
  return [
    INTRODUCTION.replace(
      '# Settings\n',
      '# Settings\n\n<!-- Made from src/settings by `npm run generate`. Do not edit. -->\n',
    ),
    FILE.replace('FILES', SETTINGS_FILES.map((name) => `\`${name}\``).join(', ')),
    ENVIRONMENT,
    presets(),
    RULES,
    COMMANDS,
    '## Every setting\n',
    'Each with its name in the resolved settings, the names by which it is given, and when a change of it takes effect.\n',
    ...groups(),
    withoutEffect(),
    SECRETS,
    MIGRATING.replace('OLDER_KEYS\n', olderKeys()),
  ].join('\n');
}

function presets(): string {
  const rows = Object.entries(PRESETS).map(
    ([name, { leaseDurationMs, renewIntervalMs, detailedLogging }]) => [
      `\`${name}\``,
      `${leaseDurationMs / 1000} s`,
      `${renewIntervalMs / 1000} s`,
      detailedLogging ? 'yes' : 'no',
    ],
  );
  return [
    '## Presets\n',
    '`environment` chooses one; it fills in what nothing else says.\n',
    table(['environment', 'lease', 'renewal', 'detailed logging'], [...rows, ['none', '15 s', '5 s', 'no']]),
    '',
  ].join('\n');
}

function groups(): readonly string[] {
  const left = new Set(SETTING_IDS);
  return GROUPS.map(([title, belongs]) => {
    const here = [...left].filter((id) => belongs(CATALOGUE[id].setting));
    for (const id of here) left.delete(id);
    return [`### ${title}\n`, ...here.map((id) => entry(CATALOGUE[id]))].join('\n');
  });
}

function entry({ setting, about, default: otherwise, reload, names, flag, variables = [] }: Entry): string {
  const rows = [
    ...names.map(({ path, kind, shape }) => [`\`${path}\``, SHAPES[shape], kind.says]),
    ...variables.map((name) => [`\`${name}\``, 'variable', (flag ?? names[0])?.kind.says ?? 'a text']),
    ...(flag === undefined
      ? []
      : [[`\`${flagText(flag)}\`, \`${variableOfFlag(flag.name)}\``, 'flag, variable', flag.kind.says]]),
  ];
  return [
    `#### \`${setting}\`\n`,
    `${about} Default: ${otherwise}. Changes: ${CHANGES[reload]}.\n`,
    table(['written', 'in', 'value'], rows),
    '',
  ].join('\n');
}

const SHAPES: Readonly<Record<Name['shape'], string>> = {
  blocks: 'blocks',
  older: 'older JSON',
  controller: 'controller',
};

const flagText = ({ name, value, negated }: Flag): string =>
  `--${negated === true ? 'no-' : ''}${name}${value === undefined ? '' : ` <${value}>`}`;

function withoutEffect(): string {
  const rows = NO_EFFECT.map(({ path, note }) => [`\`${path}\``, note]);
  return [
    '## Keys without effect\n',
    'They are accepted, and a note says so.\n',
    table(['key', 'why'], rows),
    '',
  ].join('\n');
}

function olderKeys(): string {
  const rows = SETTING_IDS.flatMap((id) => {
    const { names } = CATALOGUE[id];
    const [instead] = names;
    return names
      .filter(({ shape }) => shape === 'older')
      .map(({ path }) => [`\`${path}\``, `\`${instead?.path ?? ''}\``, instead?.kind.says ?? '']);
  });
  const gone = NO_EFFECT.filter(({ path }) => /^[A-Z]/.test(path)).map(({ path, note }) => [
    `\`${path}\``,
    '–',
    note,
  ]);
  return `${table(['older', 'now', 'value'], [...rows, ...gone])}\n`;
}

/** As Prettier would have it. */
function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = [head, ...rows].map((row) => row.map((cell) => cell.replaceAll('|', '\\|')));
  const widths = head.map((_, column) => Math.max(...cells.map((row) => (row[column] ?? '').length)));
  const line = (row: readonly string[]) =>
    `| ${widths.map((width, column) => (row[column] ?? '').padEnd(width)).join(' | ')} |`;
  const [first = [], ...rest] = cells;
  return [line(first), `| ${widths.map((width) => '-'.repeat(width)).join(' | ')} |`, ...rest.map(line)].join(
    '\n',
  );
}
