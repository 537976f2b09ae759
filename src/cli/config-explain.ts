import type { Command } from 'commander';
import { type ConfigPath, follow, showPath, valueOf, walk } from '../config/formats/config-node.ts';
import type { ConfigDocument } from '../config/formats/config-document.ts';
import { SettingsError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import { readFiles, reportingInvalid } from './config-files.ts';
import { addCommand, print, printJson } from './output.ts';

interface ExplainOptions {
  readonly json?: true;
}

export function register(parent: Command): void {
  addCommand(parent, {
    usage: 'explain <key> <files...>',
    summary: 'say what a key is set to, and where',
    examples: [
      [
        'conclave config explain server.port conf.d',
        'its value, and the file, line and column it comes from',
      ],
    ],
    exitCodes: { 0: 'told', 1: 'the configuration is invalid' },
  }).action((key: string, files: string[], { json }: ExplainOptions) =>
    reportingInvalid(json, async () => {
      const document = await readFiles(files);
      const path = pathCalled(key, document);
      const { file, line, column } = document.locate(path, 'key');
      const value = document.secrets.redact(valueOf(follow(document.root, path).node), path);
      if (json) return printJson({ key, value, file, line, column });
      return print(`${key} = ${JSON.stringify(value)}\n  ${file}:${line}:${column}`);
    }),
  );
}

/** @throws SettingsError if nothing is called so */
function pathCalled(key: string, { root, secrets }: ConfigDocument): ConfigPath {
  const known = new Map<string, ConfigPath>();
  walk(root, (_, path) => {
    if (path.length > 0) known.set(showPath(path), path);
    return true;
  });
  const path = known.get(key);
  if (path !== undefined) return path;
  const tellable = [...known].filter(([, at]) => !at.some((_each, index) => secrets.hidesSegment(at, index)));
  const near = nearest(
    key,
    tellable.map(([name]) => name),
  );
  const hint = near === null ? '' : ` Did you mean ${near}?`;
  throw new SettingsError('SETTINGS_INVALID', `The configuration has no key ${JSON.stringify(key)}.${hint}`);
}
