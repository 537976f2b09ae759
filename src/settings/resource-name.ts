import { existsSync, readFileSync } from 'node:fs';
import { dirname, join, resolve } from 'node:path';

/** The name in the nearest package.json, else `default`. */
export function defaultResource(from: string = process.cwd()): string {
  for (let directory = resolve(from); ; directory = dirname(directory)) {
    const file = join(directory, 'package.json');
    if (existsSync(file)) return nameIn(file) ?? 'default';
    if (directory === dirname(directory)) return 'default';
  }
}

function nameIn(file: string): string | null {
  try {
    const { name } = JSON.parse(readFileSync(file, 'utf8')) as { readonly name?: unknown };
    return typeof name === 'string' && name.trim() !== '' ? name : null;
  } catch {
    return null;
  }
}
