import { stringify as stringifyToml } from 'smol-toml';
import { stringify as stringifyYaml } from 'yaml';
import { SettingsError } from '../../errors.ts';
import { writeHcl } from '../hcl/write.ts';
import type { FormatName } from './config-format.ts';
import { type ConfigPath, type ConfigValue, showPath } from './config-node.ts';

/**
 * Writes a configuration in a format, as text that reads back as the same values. It writes values: whoever has
 * references in HCL (`env()`, `secret()`) gets what they stand for, secrets included.
 *
 * @throws SettingsError `SETTINGS_INVALID`: the format cannot say it; the message names the keys
 *
 * @example
 * writeConfig({ server: { port: 8080 } }, 'toml'); // '[server]\nport = 8080\n'
 */
export function writeConfig(value: { readonly [key: string]: ConfigValue }, format: FormatName): string {
  switch (format) {
    case 'json':
      return `${JSON.stringify(value, null, 2)}\n`;
    case 'yaml':
      return stringifyYaml(value, {
        aliasDuplicateObjects: false,
        blockQuote: hasOddLines(value) ? false : 'literal',
        // Texts that an older YAML would take for something else, as `no` and `12:30`, are quoted.
        compat: 'yaml-1.1',
        lineWidth: 0,
      });
    case 'toml':
      refuseNull(value);
      return `${stringifyToml(value).trimEnd()}\n`;
    case 'hcl':
      return writeHcl(value);
  }
}

/** Whether a text has lines that begin or end with blanks: written as a block, they would not come back the same. */
function hasOddLines(value: ConfigValue): boolean {
  if (typeof value === 'string') return /^\s|\s\n|\n[^\S\n]|[^\S\n]$|\n\n/.test(value);
  return typeof value === 'object' && value !== null && Object.values(value).some(hasOddLines);
}

function refuseNull(value: ConfigValue): void {
  const paths = nullsIn(value, []).map(showPath);
  if (paths.length === 0) return;
  const shown = paths.slice(0, 5).join(', ') + (paths.length > 5 ? ', …' : '');
  throw new SettingsError(
    'SETTINGS_INVALID',
    `TOML has no null, and this configuration has ${paths.length}: ${shown}. Leave the keys out, or choose another format.`,
  );
}

function nullsIn(value: ConfigValue, path: ConfigPath): readonly ConfigPath[] {
  if (value === null) return [path];
  if (typeof value !== 'object') return [];
  if (Array.isArray(value))
    return value.flatMap((item: ConfigValue, index) => nullsIn(item, [...path, index]));
  return Object.entries(value).flatMap(([key, each]) => nullsIn(each, [...path, key]));
}
