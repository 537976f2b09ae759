import { readFileSync, writeFileSync } from 'node:fs';
import { createRequire } from 'node:module';
import { dirname, join } from 'node:path';
import { type Command, Option } from 'commander';
import { SettingsError } from '../errors.ts';
import { nearest } from '../suggest.ts';
import { chartOf } from './diagram-chart.ts';
import { toConfigJson } from './diagram-json.ts';
import { toMermaid } from './diagram-mermaid.ts';
import { type Format, FORMATS, madeFrom, pictureFile, SHIPPED_CHARTS } from './diagram-shipped.ts';
import { addCommand, print, printJson } from './output.ts';

interface DiagramOptions {
  readonly format: Format;
  readonly out?: string;
  readonly json?: true;
}

/** A shipped chart as text of the given format. */
export function drawDiagram(name: string, format: Format): string {
  const shipped = SHIPPED_CHARTS[name];
  if (shipped === undefined) throw unknownChart(name);
  switch (format) {
    case 'mermaid':
      return toMermaid(chartOf(shipped.machine), [madeFrom(shipped)]);
    case 'json':
      return toConfigJson(shipped.machine, madeFrom(shipped));
    case 'svg':
      // Laying out takes seconds and a large library; the pictures are made with the package and come with it.
      return readFileSync(join(packageDirectory(), 'visualizations', pictureFile(name, format)), 'utf8');
  }
}

const packageDirectory = (): string =>
  dirname(createRequire(import.meta.url).resolve('conclave/package.json'));

function unknownChart(name: string): SettingsError {
  const known = Object.keys(SHIPPED_CHARTS);
  const near = nearest(name, known);
  return new SettingsError(
    'SETTINGS_INVALID',
    `There is no chart "${name}"${near === null ? '' : `; did you mean "${near}"?`} The charts are ${known.join(' and ')}.`,
  );
}

function write(path: string, text: string): void {
  try {
    writeFileSync(path, text);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new SettingsError('DIRECTORY_UNWRITABLE', `--out ${path} cannot be written: ${reason}.`, {
      cause: error,
    });
  }
}

export function register(program: Command): void {
  addCommand(program, {
    usage: 'diagram [chart]',
    summary: 'draw a chart: leadership (the default) or config-reload',
    description:
      'Draws a chart with all its states, events, guards and waits. `mermaid` renders on GitHub, `json` is the configuration that Stately and `createMachine` import, `svg` is a picture for light and dark pages.',
    examples: [
      ['conclave diagram', 'the leadership chart as Mermaid'],
      ['conclave diagram config-reload --format svg --out chart.svg', 'a picture of the other chart'],
    ],
    exitCodes: { 0: 'drawn' },
  })
    .addOption(new Option('--format <format>', 'what to draw it as').choices(FORMATS).default('mermaid'))
    .option('--out <file>', 'write to a file instead of standard output')
    .action((chart: string | undefined, { format, out, json }: DiagramOptions) => {
      const name = chart ?? 'leadership';
      const text = drawDiagram(name, format);
      if (out !== undefined) write(out, text);
      if (json)
        printJson({ chart: name, format, ...(out === undefined ? { diagram: text } : { file: out }) });
      else if (out === undefined) print(text.trimEnd());
    });
}
