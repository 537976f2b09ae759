import { SettingsError } from '../../errors.ts';
import type { ConfigValue } from '../formats/config-node.ts';
import { identifierPattern } from './lexer.ts';

type Values = { readonly [key: string]: ConfigValue };

/** Values as HCL: objects with plain names as blocks, everything else as attributes. */
export function writeHcl(value: Values): string {
  for (const key of Object.keys(value)) {
    if (isIdentifier(key)) continue;
    throw new SettingsError(
      'SETTINGS_INVALID',
      `HCL has no key ${JSON.stringify(key)} at its top: a name there begins with a letter and goes on with letters, digits, _ and -. Rename it, or choose another format.`,
    );
  }
  return body(value, '');
}

function body(value: Values, indent: string): string {
  const entries = Object.entries(value);
  return entries
    .map(([key, each], index) => {
      if (!isBlock(each)) return `${indent}${key} = ${expression(each, indent)}\n`;
      const gap = index > 0 ? '\n' : '';
      return `${gap}${indent}${key} {\n${body(each, `${indent}  `)}${indent}}\n`;
    })
    .join('');
}

function isBlock(value: ConfigValue): value is Values {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return false;
  const keys = Object.keys(value);
  return keys.length > 0 && keys.every(isPlainName);
}

function expression(value: ConfigValue, indent: string): string {
  if (typeof value === 'string') return quoted(value);
  if (typeof value !== 'object' || value === null) return String(value);
  const inner = `${indent}  `;
  if (isList(value)) {
    if (value.length === 0) return '[]';
    const isShort = value.every((item) => typeof item !== 'object' || item === null);
    if (isShort) return `[${value.map((item) => expression(item, indent)).join(', ')}]`;
    return `[\n${value.map((item) => `${inner}${expression(item, inner)},\n`).join('')}${indent}]`;
  }
  const entries = Object.entries(value);
  if (entries.length === 0) return '{}';
  const lines = entries.map(([key, each]) => `${inner}${quotedKey(key)} = ${expression(each, inner)}\n`);
  return `{\n${lines.join('')}${indent}}`;
}

function isList(value: ConfigValue): value is readonly ConfigValue[] {
  return Array.isArray(value);
}

function isIdentifier(key: string): boolean {
  identifierPattern.lastIndex = 0;
  return identifierPattern.exec(key)?.[0] === key;
}

/** Which other letters names may have depends on the edition of Unicode that a reader knows. */
function isPlainName(key: string): boolean {
  return /^[A-Za-z_][\w-]*$/.test(key);
}

function quotedKey(key: string): string {
  return isPlainName(key) && key !== 'for' ? key : quoted(key);
}

const escapes: Readonly<Record<string, string>> = {
  '"': '\\"',
  '\\': '\\\\',
  '\n': '\\n',
  '\r': '\\r',
  '\t': '\\t',
};

function quoted(text: string): string {
  const escaped = text
    .replaceAll(/[$%]\{/g, (marker) => `${marker[0] ?? ''}${marker}`)
    .replaceAll(/["\\\p{Cc}\p{Zl}\p{Zp}]/gu, (character) => escapes[character] ?? escapedByNumber(character));
  return `"${escaped}"`;
}

function escapedByNumber(character: string): string {
  return `\\u${(character.codePointAt(0) ?? 0).toString(16).padStart(4, '0')}`;
}
