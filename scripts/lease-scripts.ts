/** Puts the Lua of src/lease/scripts into a module, so that bundlers and the published package hold it: `npm run generate`. */
import { readdirSync, readFileSync } from 'node:fs';

const directory = new URL('../src/lease/scripts/', import.meta.url);

/** Without what only people read: it travels to each server, and with each call that finds it gone there. */
function shortened(lua: string): string {
  return lua
    .split('\n')
    .map((line) => line.trim())
    .filter((line) => line !== '' && !line.startsWith('--'))
    .join('\n');
}

/** The module as it must be. */
export function leaseScriptsModule(): string {
  const files = readdirSync(directory).filter((file) => file.endsWith('.lua'));
  const constants = files.toSorted().map((file) => {
    const lua = shortened(readFileSync(new URL(file, directory), 'utf8'));
    const escaped = lua.replaceAll(/[\\`]|\$\{/g, (found) => `\\${found}`);
    return `export const ${file.slice(0, -'.lua'.length).toUpperCase()} = \`${escaped}\`;\n`;
  });
  return [
    '/** Made from src/lease/scripts/*.lua by `npm run generate`, comments and indentation taken off. Do not edit. */\n',
    ...constants,
  ].join('\n');
}
