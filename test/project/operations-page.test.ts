/** docs/operations.md and docs/security.md, held to what they talk about: alerts, commands, metrics, settings, times. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { Command } from 'commander';
import { beforeAll, describe, expect, test } from 'vitest';
import { GUARD_MIN_MS, resolveTimings } from '../../machines/leadership.timings.ts';
import { createProgram } from '../../src/cli/program.ts';
import { resolvedFrom } from './deploy-files.ts';
import { projectFiles, read, root } from './repository.ts';

const PAGES = ['docs/operations.md', 'docs/security.md'] as const;
const operations = read(PAGES[0]);
const text = new Map(PAGES.map((page) => [page as string, read(page)]));

/** The anchor that GitHub gives a heading. */
const anchorOf = (heading: string) =>
  heading
    .toLowerCase()
    .replaceAll(/[^\w\- ]/g, '')
    .replaceAll(' ', '-');
const anchorsOf = (page: string) =>
  new Set([...read(page).matchAll(/^#+ (.+)$/gm)].map(([, heading]) => anchorOf(heading ?? '')));
/** Code blocks in a language, with the pages they are on. */
const blocks = (language: string) =>
  [...text].flatMap(([page, all]) =>
    [...all.matchAll(new RegExp(`^ *\`\`\`${language}\\n([^]*?)^ *\`\`\`$`, 'gm'))].map(([, code]) => ({
      page,
      code: code ?? '',
    })),
  );

describe('links', () => {
  test.for(PAGES)('of %s lead somewhere, anchors included', (page) => {
    const links = [...(text.get(page) ?? '').matchAll(/\]\((?!https?:)([^)#]*)(#[^)]*)?\)/g)];
    const broken = links.filter(([, path = '', anchor]) => {
      const target = path === '' ? page : join('docs', path);
      if (!existsSync(join(root, target))) return true;
      return anchor !== undefined && !anchorsOf(target).has(anchor.slice(1));
    });
    expect(broken.map(([link]) => link)).toEqual([]);
  });

  test('of every alert lead to a runbook, and every runbook is one that is known here', () => {
    const alerts = read('deploy/prometheus/alerts.yaml');
    const urls = [...alerts.matchAll(/runbook_url: (\S+)/g)].map(([, url]) => url ?? '');
    expect(urls.length).toBe([...alerts.matchAll(/- alert: /g)].length);
    const anchors = anchorsOf('docs/operations.md');
    for (const url of urls) {
      expect(url).toMatch(/docs\/operations\.md#runbook-/);
      expect(anchors).toContain(url.slice(url.indexOf('#') + 1));
    }
  });
});

describe('runbooks', () => {
  const parts = operations.split(/^### (?=Runbook: )/m).slice(1);

  test('are there for all that can go wrong', () => {
    expect(parts.map((part) => part.split('\n')[0]?.slice('Runbook: '.length))).toEqual([
      'no leader',
      'two leaders',
      'flapping',
      'renewals fail',
      'leadership does not transfer',
      'cannot connect to Redis',
      'configuration rejected',
      'configuration drift',
      'not reloading',
      'notifications do not arrive',
      'reloaded but not applied',
      'watching degraded',
    ]);
  });

  test.for(parts.map((part) => [part.split('\n')[0] ?? '', part] as const))(
    '%s: meaning, looking, causes in order, confirmation',
    ([, part]) => {
      const heads = ['What it means', 'How to look', 'Causes, the likeliest first', 'How to confirm'];
      const places = heads.map((head) => part.indexOf(`**${head}`));
      expect(places).not.toContain(-1);
      expect(places).toEqual(places.toSorted((a, b) => a - b));
      expect(part).toMatch(/^1\. /m);
      expect(part).toMatch(/^```sh\n/m);
    },
  );
});

describe('commands', () => {
  let program = new Command();
  beforeAll(async () => {
    program = await createProgram([]);
  });

  /** Lines that a reader would type, in blocks and between backticks. */
  const typed = [...text].flatMap(([page, all]) => {
    const fenced = [...all.matchAll(/^ *```sh\n([^]*?)^ *```$/gm)].flatMap(([, code]) =>
      (code ?? '').split('\n'),
    );
    const inline = [...all.replaceAll(/^ *```[^]*?^ *```$/gm, '').matchAll(/`([^`\n]+)`/g)].map(
      ([, code]) => code ?? '',
    );
    return [...fenced, ...inline]
      .map((line) => /(?:^|-- )(conclave [a-z].*)/.exec(line.replace(/\s+#.*$/, ''))?.[1] ?? '')
      .filter((line) => line !== '')
      .map((line) => ({ page, line }));
  });

  test('there are many', () => {
    expect(typed.length).toBeGreaterThan(60);
  });

  test.for([...new Map(typed.map((each) => [each.line, each])).values()])('$line ($page)', ({ line }) => {
    const words = line
      .replaceAll(/"[^"]*"|'[^']*'/g, 'TEXT')
      .split(/\s+(?:[|>&].*)?/)
      .slice(1);
    let command = program;
    while (words.length > 0) {
      const inner = command.commands.find((each) => each.name() === words[0]);
      if (inner === undefined) break;
      words.shift();
      command = inner;
    }
    expect(command, `no command in: ${line}`).not.toBe(program);
    const known = new Set(command.options.flatMap(({ long, short }) => [long, short]));
    for (const word of words.filter((each) => each.startsWith('-') && each !== '-'))
      expect(known, `${command.name()} has no ${word}`).toContain(word.replace(/=.*/, ''));
    if (command.commands.length > 0) expect(words, `which ${command.name()}?`).toEqual([]);
    // A name alone, as in a sentence, is no command line.
    if (words.length === 0) return;
    for (const { long, mandatory } of command.options)
      if (mandatory) expect(words, `${command.name()} needs ${long}`).toContain(long);
  });
});

describe('queries', () => {
  const names = new Set(
    [...read('docs/metrics.md').matchAll(/^- `(conclave_\w+)`/gm)].map(([, name]) => name ?? ''),
  );

  test.for([
    ...new Set(
      [...text.values()].flatMap((all) => [...all.matchAll(/\bconclave_\w+/g)].map(([name]) => name)),
    ),
  ])('%s is in the catalogue', (name) => {
    expect(names).toContain(name.replace(/_(bucket|sum|count)$/, ''));
  });
});

describe('what is quoted', () => {
  const sources = projectFiles()
    .filter((path) => /^src\/.*\.ts$/.test(path))
    .map(read)
    .join('\n');

  test('as a line of the log is one', () => {
    const lines = [...operations.matchAll(/`([A-Z][a-z]+ [a-z][^`]*)`/g)].map(([, line]) => line ?? '');
    // Up to what differs from line to line.
    const said = lines.map((line) => line.split(/…|:|, \d/)[0]?.trim() ?? '');
    expect(said.length).toBeGreaterThan(10);
    expect(
      said.filter(
        (line) => !sources.includes(line.replace(/^Redis (?=available|at)/, '')) && line !== 'Redis at',
      ),
    ).toEqual([]);
  });

  test('as a code of Conclave is in the table of errors', () => {
    const errors = read('docs/errors.md');
    const codes = [...text.values()].flatMap((all) => [
      ...all.matchAll(/`((?:STORE|CONFIG|LEASE)_[A-Z_]+)`/g),
    ]);
    expect(codes.map(([, code]) => code ?? '').filter((code) => !errors.includes(code))).toEqual([]);
  });
});

describe('settings', () => {
  const environment = { REDIS_CONNECTION_STRING: 'redis://redis:6379', OPERATOR_TOKEN: 'x'.repeat(32) };

  test.for(blocks('hcl'))('a block of $page resolves: $code', async ({ code }) => {
    const { problems, notes } = await resolvedFrom(code, environment);
    expect({ problems, notes }).toEqual({ problems: [], notes: [] });
  });

  test('the table of modes says what follows from the two switches', async () => {
    const rows = [
      ...operations.matchAll(/^\| (true|false) +\| (true|false|any, `mode = "store"`) +\| `(\w+)` /gm),
    ];
    expect(rows).toHaveLength(5);
    for (const [, available, watching, mode] of rows) {
      const configuration = watching?.startsWith('any') ? 'mode = "store"' : `watching = ${watching}`;
      const { settings } = await resolvedFrom(
        `conclave {\n high_availability { enabled = ${available} }\n configuration {\n path = "/etc/x"\n ${configuration}\n }\n}\n`,
        environment,
      );
      expect(settings.configuration.mode, `${available}, ${watching}`).toBe(mode);
    }
  });

  test('the table of leases says what the library would do', () => {
    const rows = [
      ...operations.matchAll(
        /^\| [\w–-]+ +\| +(\d+) s \| +(\d+) s \| +(\d+) s \| +([\d.]+) s \| +([\d.]+) s \| +(\d+) \|$/gm,
      ),
    ];
    expect(rows.length).toBeGreaterThanOrEqual(7);
    for (const row of rows) {
      const [lease = 0, renewal = 0, replaced, stops, bridged, calls] = row.slice(1).map(Number);
      const { beliefMs } = resolveTimings({ leaseDurationMs: lease * 1000, renewIntervalMs: renewal * 1000 });
      const seconds = (ms: number) => Math.round((ms - GUARD_MIN_MS) / 100) / 10;
      const expected = [lease, seconds(beliefMs), seconds(beliefMs - 1.1 * renewal * 1000), 60 / renewal];
      expect([replaced, stops, bridged, calls], row[0]).toEqual(expected);
    }
  });
});
