import type { Command } from 'commander';
import { checkBySchema, readFiles, reportingInvalid, shown } from './config-files.ts';
import { addCommand, print, printJson } from './output.ts';

interface ValidateOptions {
  readonly schema?: string;
  readonly json?: true;
}

export function register(parent: Command): void {
  addCommand(parent, {
    usage: 'validate <files...>',
    summary: 'say what is wrong with a configuration, and where',
    description:
      'Reads a configuration as a member does: one file, several that belong together, or a directory; syntax, references to the environment and to files, and, with a schema, all values. `secret()` cannot be resolved here.',
    examples: [
      ['conclave config validate app.hcl', 'syntax and references'],
      ['conclave config validate app.yaml --schema ./schema.js', 'and all values, by any Standard Schema'],
    ],
    exitCodes: { 0: 'valid', 1: 'invalid; every problem is told with its place' },
  })
    .option('--schema <module>', 'a module whose default export is a Standard Schema')
    .action((files: string[], { schema, json }: ValidateOptions) =>
      reportingInvalid(json, async () => {
        const document = await readFiles(files);
        const warnings = await checkBySchema(document, schema);
        if (json) return printJson({ valid: true, warnings });
        for (const warning of warnings) print(shown(warning));
        return print(`✓ ${files.join(', ')}: valid${schema === undefined ? ' as far as syntax goes' : ''}`);
      }),
    );
}
