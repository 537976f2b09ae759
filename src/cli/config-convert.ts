import { type Command, Option } from 'commander';
import type { FormatName } from '../config/formats/config-format.ts';
import type { ConfigValue } from '../config/formats/config-node.ts';
import { writeConfig } from '../config/formats/write-config.ts';
import { SettingsError } from '../errors.ts';
import { readFiles, reportingInvalid } from './config-files.ts';
import { addCommand, printJson } from './output.ts';

const FORMATS: readonly FormatName[] = ['hcl', 'json', 'yaml', 'toml'];

interface ConvertOptions {
  readonly to: FormatName;
  readonly resolve?: true;
  readonly json?: true;
}

export function register(parent: Command): void {
  addCommand(parent, {
    usage: 'convert <files...>',
    summary: 'write a configuration in another format',
    description:
      'Writes the values of a configuration in another format, on standard output. Comments are lost, and references such as env("PORT") would be replaced by what they stand for here: that is refused unless asked for.',
    examples: [['conclave config convert app.yaml --to hcl', 'the same values in HCL']],
    exitCodes: { 0: 'written', 1: 'the configuration is invalid' },
  })
    .addOption(new Option('--to <format>', 'what to write').choices(FORMATS).makeOptionMandatory())
    .option('--resolve', 'put values, secrets included, in the place of references')
    .action((files: string[], { to, resolve, json }: ConvertOptions) =>
      reportingInvalid(json, async () => {
        const { value, dependencies } = await readFiles(files);
        if (dependencies.length > 0 && !resolve) {
          const names = dependencies.map(({ kind, name }) => `${kind}(${JSON.stringify(name)})`);
          throw new SettingsError(
            'SETTINGS_INVALID',
            `The configuration refers to ${names.join(', ')}. With --resolve the values are written instead, secrets included.`,
          );
        }
        const text = writeConfig(value as { readonly [key: string]: ConfigValue }, to);
        if (json) return printJson({ format: to, text });
        process.stdout.write(text);
        return undefined;
      }),
    );
}
