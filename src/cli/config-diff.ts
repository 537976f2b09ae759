import type { Command } from 'commander';
import { changesBetween, tellDifferences } from '../config/difference.ts';
import { readFiles, reportingInvalid } from './config-files.ts';
import { addCommand, print, printJson } from './output.ts';

interface DiffOptions {
  readonly json?: true;
}

export function register(parent: Command): void {
  addCommand(parent, {
    usage: 'diff <before> <after>',
    summary: 'say what differs between two configurations, secrets hidden',
    examples: [['conclave config diff app.hcl new.yaml', 'key by key, whatever the formats']],
    exitCodes: { 0: 'told, whether or not anything differs', 1: 'one of them is invalid' },
  }).action((before: string, after: string, { json }: DiffOptions) =>
    reportingInvalid(json, async () => {
      const [old, young] = [await readFiles([before]), await readFiles([after])];
      const changes = changesBetween(old.value, young.value);
      const { differences, omitted } = tellDifferences(changes, old.secrets, young.secrets);
      if (json) return printJson({ differences, omitted });
      for (const { path, change, before: was, after: is } of differences) {
        if (change === 'added') print(`+ ${path} = ${is}`);
        else if (change === 'removed') print(`- ${path} = ${was}`);
        else print(`~ ${path}: ${was} → ${is}`);
      }
      if (omitted > 0) print(`and ${omitted} more`);
      return differences.length === 0 ? print('Nothing differs.') : undefined;
    }),
  );
}
