/** The viewer in a real browser, opened from its file: no server, no network. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { root, temporaryDirectory } from '../project/repository.ts';
import { describeInBrowser, openPage, startBrowser } from './browser.ts';
import { faultsToTheEye, photograph } from './legibility.ts';
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

  const chosen = (page: Page) => page.getAttribute('#position', 'aria-valuetext');
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
            document.querySelector('#position')?.getAttribute('aria-valuetext')?.includes(`${name} leads`),
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
      expect(await said(page)).toMatch(/^web-1: follower\.watching/);
      const seen = new Set<string>();
      for (let step = 0; step < 12; step += 1) {
        await page.keyboard.press('ArrowRight');
        // Painted before the next frame.
        await page.evaluate(() => new Promise((resolve) => requestAnimationFrame(() => setTimeout(resolve))));
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
      await page.keyboard.type('lease.acquired web-1');
      await page.waitForFunction(() => document.querySelector('#count')?.textContent?.startsWith('1 of '));
      await page.click('.record');
      await page.waitForFunction(
        () => document.querySelector('#detail h2')?.textContent === 'lease.acquired',
      );
      const detail = (await page.textContent('#detail')) ?? '';
      expect(detail).toMatch(/candidate\.acquiring → candidate\.recording/);
      expect(detail).toMatch(/awaitJournal/);
      expect(detail).toMatch(/\/term\s*null\s*\{"token":/);
      // The keys scroll what is too long for its place, where the focus is on that.
      await page.focus('#detail');
      await page.keyboard.press('End');
      await page.waitForFunction(() => (document.querySelector('#detail')?.scrollTop ?? 0) > 0);
      expect(await page.textContent('#detail h2')).toBe('lease.acquired');
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

    test('are filtered by member, by what happened, and stepped through as filtered', async () => {
      await using own = await opened(files);
      const { page } = own;
      await page.waitForSelector('.record.chosen');
      await page.selectOption('#lane', 'web-1');
      await page.selectOption('#show', 'turn');
      await page.waitForFunction(() => document.querySelector('#count')?.textContent?.startsWith('2 of '));
      await page.locator('#records').focus();
      await page.keyboard.press('Home');
      await expect.poll(() => said(page)).toMatch(/^web-1: leader/);
      await page.keyboard.press('ArrowRight');
      expect(await page.textContent('#told')).toMatch(/^nobody leads at /);
      await page.selectOption('#show', 'failure');
      await page.waitForFunction(() => document.querySelector('#count')?.textContent?.startsWith('0 of '));
    });

    test('are scrubbed by the slider, by touch and by keys on it', async () => {
      await using own = await opened(files);
      const { page } = own;
      await page.waitForSelector('.record.chosen');
      await page.locator('#position').fill('0');
      expect(await chosen(page)).toMatch(/^00:00:00\.000, /);
      await page.locator('#position').press('ArrowRight');
      expect(await page.inputValue('#position')).toBe('1');
      const box = await page.locator('#timeline').boundingBox();
      const start = await page.locator('#cursor').boundingBox();
      await page.mouse.click((box?.x ?? 0) + (box?.width ?? 0) / 2, (box?.y ?? 0) + 30);
      expect(await chosen(page)).toMatch(/web-\d leads: term/);
      // The cursor is over the timeline, at what was chosen.
      await page.waitForFunction(
        (before) => (document.querySelector('#cursor')?.getBoundingClientRect().x ?? 0) > before,
        start?.x ?? 0,
      );
      const cursor = await page.locator('#cursor').boundingBox();
      expect(cursor).toMatchObject({ y: box?.y, height: box?.height, width: 2 });
      expect(cursor?.x).toBeLessThan((box?.x ?? 0) + (box?.width ?? 0) / 2 + 1);
      expect(start?.x).toBeLessThan((box?.x ?? 0) + (box?.width ?? 0) * 0.05);
    });

    test('are legible at three widths, light and dark', async () => {
      await using own = await opened(files);
      const { page, complaints } = own;
      await page.waitForSelector('.record.chosen');
      await page.click('#terms button');
      await page.waitForSelector('#detail h2');
      for (const width of [1500, 900, 390]) {
        await page.setViewportSize({ width, height: 850 });
        for (const colorScheme of ['light', 'dark'] as const) {
          await page.emulateMedia({ colorScheme });
          expect.soft(await faultsToTheEye(page), `${width} ${colorScheme}`).toEqual([]);
          await photograph(page, `viewer-${width}-${colorScheme}`);
        }
      }
      expect(complaints).toEqual([]);
    });
  });

  test('two that believed at once are marked, and a key leads there', async () => {
    await using own = await opened(['split-1.jsonl', 'split-2.jsonl']);
    const { page, complaints } = own;
    await page.waitForSelector('.record.chosen');
    expect(await page.textContent('#verdict')).toMatch(/^Once two members believed at once, 40\.00 s in all/);
    expect(await page.$$('#terms tr.overlap')).not.toHaveLength(0);
    await page.keyboard.press('Home');
    await page.keyboard.press('o');
    expect(await chosen(page)).toMatch(/web-1 leads: .* AND web-2 leads: /);
    expect(complaints).toEqual([]);
  });
});
