/** The viewer in a real browser, opened from its file: no server, no network. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { encodeFrame } from '../../src/journal/jsonl-frame.ts';
import { root, temporaryDirectory } from '../project/repository.ts';
import { describeInBrowser, openPage, startBrowser } from './browser.ts';
import { recordedElection } from './recorded-election.ts';

const scratch = temporaryDirectory();
const at = (name: string) => join(scratch.path, name);
const viewer = pathToFileURL(join(root, 'visualizations/viewer.html')).href;

describeInBrowser('the viewer', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
    for (const [prefix, stores] of [
      ['good', 1],
      ['split', 2],
    ] as const) {
      for (const [index, journal] of (await recordedElection({ members: 3, stores })).entries()) {
        const chunks: Uint8Array[] = [];
        await exportJournal(journal, (chunk) => void chunks.push(chunk));
        writeFileSync(at(`${prefix}-${index + 1}.jsonl`), Buffer.concat(chunks));
      }
    }
  });
  afterAll(async () => {
    await browser.close();
    scratch[Symbol.dispose]();
  });

  async function opened(files: readonly string[], options: Parameters<Browser['newPage']>[0] = {}) {
    const own = await openPage(browser, viewer, options);
    await own.page.setInputFiles('#files', files.map(at));
    return own;
  }

  const chosen = (page: Page) => page.getAttribute('#timeline', 'aria-valuetext');
  const said = (page: Page) => page.textContent('#chart-said');

  describe('three journals of one election', () => {
    const files = ['good-1.jsonl', 'good-2.jsonl', 'good-3.jsonl'];

    test('show who led at any time, and that no two did at once', async () => {
      await using own = await opened(files);
      const { page, complaints } = own;
      await page.waitForSelector('.record.chosen');
      expect(await page.textContent('#verdict')).toMatch(/^\d+ terms; never two that believed at once$/);
      const terms = await page.$$('#terms button');
      expect(terms.length).toBeGreaterThan(1);
      const leaders: string[] = [];
      for (const [index, term] of terms.entries()) {
        await term.click();
        const cells = await page.$$eval(
          '#terms tr',
          (rows, row) => [...(rows[row]?.children ?? [])].map((cell) => cell.textContent ?? ''),
          index,
        );
        await page.waitForFunction(
          (name) =>
            document.querySelector('#timeline')?.getAttribute('aria-valuetext')?.includes(`${name} leads`),
          cells[1] ?? '',
        );
        leaders.push(cells[1] ?? '');
      }
      expect(new Set(leaders).size).toBeGreaterThan(1);
      expect(complaints).toEqual([]);
    });

    test('are stepped through by keys, the chart showing the state of each step', async () => {
      await using own = await opened(files);
      const { page } = own;
      await page.waitForSelector('.record.chosen');
      await page.keyboard.press('Home');
      expect(await said(page)).toMatch(/web-1·\w{4}: follower\.watching/);
      const seen = new Set<string>();
      for (let step = 0; step < 12; step += 1) {
        await page.keyboard.press('ArrowRight');
        const lit = await page.$$eval('#chart .active', (all) =>
          all.map((each) => each.getAttribute('data-state') ?? ''),
        );
        const state = /: ([\w.]+)/.exec((await said(page)) ?? '')?.[1] ?? '';
        expect(lit).toContain(state);
        seen.add(state);
      }
      expect(seen).toContain('candidate.acquiring');
      expect(seen).toContain('leader.held');
      const forth = await chosen(page);
      await page.keyboard.press('ArrowLeft');
      await page.keyboard.press('ArrowRight');
      expect(await chosen(page)).toBe(forth);
    });

    test('are searched, and the record found is shown whole, with what it changed', async () => {
      await using own = await opened(files);
      const { page } = own;
      await page.waitForSelector('.record.chosen');
      await page.keyboard.press('/');
      await page.keyboard.type('lease.acquired web-2');
      await page.waitForFunction(() => document.querySelector('#count')?.textContent?.startsWith('1 of '));
      await page.click('.record');
      await page.waitForFunction(
        () => document.querySelector('#detail h2')?.textContent === 'lease.acquired',
      );
      const detail = (await page.textContent('#detail')) ?? '';
      expect(detail).toMatch(/candidate\.acquiring → candidate\.recording/);
      expect(detail).toMatch(/awaitJournal/);
      expect(detail).toMatch(/\/term\s*null\s*\{"token":/);
      // A link leads back to it.
      const link = await page.getAttribute('#detail a', 'href');
      await page.keyboard.press('Escape');
      await page.fill('#search', '');
      await page.keyboard.press('Escape');
      await page.keyboard.press('Home');
      await page.evaluate((hash) => (location.hash = hash ?? ''), link);
      await page.waitForFunction(
        () => document.querySelector('#detail h2')?.textContent === 'lease.acquired',
      );
    });

    test.each([
      [1500, 'light'],
      [900, 'dark'],
      [390, 'dark'],
    ] as const)('fit a page %i wide, %s', async (width, colorScheme) => {
      await using own = await opened(files, { viewport: { width, height: 850 }, colorScheme });
      const { page } = own;
      await page.waitForSelector('.record.chosen');
      const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
      expect(overflow).toBeLessThanOrEqual(0);
      const shot = await page.screenshot();
      expect(shot.length).toBeGreaterThan(10_000);
    });
  });

  test('two that believed at once are marked, and a key leads there', async () => {
    await using own = await opened(['split-1.jsonl', 'split-2.jsonl']);
    const { page, complaints } = own;
    await page.waitForSelector('.record.chosen');
    expect(await page.textContent('#verdict')).toMatch(/^\d+ times two members believed at once, /);
    expect(await page.$$('#terms tr.overlap')).not.toHaveLength(0);
    await page.keyboard.press('Home');
    await page.keyboard.press('o');
    expect(await chosen(page)).toMatch(/web-\d·\w+ and web-\d·\w+ leads?$/);
    expect(complaints).toEqual([]);
  });

  describe('what cannot be shown is refused in one line, and what was shown stays', () => {
    const damaged = (name: string, change: (bytes: Buffer) => Buffer | string) => (): string => {
      writeFileSync(at(name), change(readFileSync(at('good-1.jsonl'))));
      return name;
    };
    test.each([
      [
        'a changed byte',
        damaged('flipped.jsonl', (bytes) => bytes.with(bytes.length >> 1, 0x21) as Buffer),
        /The journal is damaged at flipped\.jsonl, line \d+, byte \d+: /,
      ],
      [
        'a foreign file',
        damaged('foreign.jsonl', () => '{"hello":"world"}\n'),
        /foreign\.jsonl is no journal of conclave/,
      ],
      [
        'a SQLite journal',
        damaged('journal.db', () => `SQLite format 3\0${'x'.repeat(100)}`),
        /journal\.db is a SQLite journal, which a browser cannot read/,
      ],
      ['an empty file', damaged('empty.jsonl', () => ''), /empty\.jsonl is empty/],
      [
        'the same journal twice',
        damaged('copy.jsonl', (bytes) => bytes),
        /is in good-1\.jsonl and in copy\.jsonl/,
      ],
    ])('%s', async (_, write, message) => {
      const name = write();
      await using own = await opened(['good-1.jsonl']);
      const { page } = own;
      await page.waitForSelector('.record.chosen');
      await page.setInputFiles('#files', name === 'copy.jsonl' ? [at('good-1.jsonl'), at(name)] : [at(name)]);
      await page.waitForSelector('#problem:not([hidden])');
      expect(await page.textContent('#problem')).toMatch(message);
      expect(await page.$$('.record')).not.toHaveLength(0);
    });

    test('a journal of another version of the chart is shown, without contexts', async () => {
      const text = readFileSync(at('good-1.jsonl'), 'utf8');
      const lines = text
        .trimEnd()
        .split('\n')
        .slice(0, -1)
        .map((line) => {
          const json = line
            .slice(line.indexOf('{'))
            .replaceAll(/"hash":"[0-9a-f]+"/g, `"hash":"${'0'.repeat(32)}"`);
          return encodeFrame(json.replace('"form":"export"', '"form":"live"'));
        });
      writeFileSync(at('older.jsonl'), Buffer.concat(lines));
      await using own = await opened(['older.jsonl']);
      const { page } = own;
      await page.waitForSelector('.record.chosen');
      await page.waitForFunction(() =>
        document.querySelector('#detail')?.textContent?.includes('Another version of the chart'),
      );
    });
  });
});
