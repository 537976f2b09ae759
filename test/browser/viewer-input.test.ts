/** What people drop on the viewer that is not what it hopes for: a message that says what it is, never a blank page. */
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { encodeFrame } from '../../src/journal/jsonl-frame.ts';
import { root, temporaryDirectory } from '../project/repository.ts';
import { describeInBrowser, openPage, startBrowser } from './browser.ts';
import { recordedElection } from './recorded-election.ts';

const scratch = temporaryDirectory();
const at = (name: string) => join(scratch.path, name);
const viewer = pathToFileURL(join(root, 'visualizations/viewer.html')).href;

/** The JSON of each line of a good journal, changed, as a journal that is being written. */
function rewritten(from: string, change: (json: string) => string, to: string): string {
  const lines = readFileSync(at(from), 'utf8').trimEnd().split('\n').slice(0, -1);
  const changed = lines.map((line) =>
    encodeFrame(change(line.slice(line.indexOf('{')).replace('"form":"export"', '"form":"live"'))),
  );
  writeFileSync(at(to), Buffer.concat(changed));
  return to;
}

describeInBrowser('the viewer, given what it cannot simply show', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
    for (const [index, journal] of (await recordedElection({ members: 2, stores: 1 })).entries()) {
      const chunks: Uint8Array[] = [];
      await exportJournal(journal, (chunk) => void chunks.push(chunk));
      writeFileSync(at(`good-${index + 1}.jsonl`), Buffer.concat(chunks));
    }
  });
  afterAll(async () => {
    await browser.close();
    scratch[Symbol.dispose]();
  });

  async function opened(files: readonly string[]) {
    const own = await openPage(browser, viewer);
    await own.page.setInputFiles('#files', files.map(at));
    return own;
  }

  const written = (name: string, change: (bytes: Buffer) => Buffer | string) => (): string => {
    writeFileSync(at(name), change(readFileSync(at('good-1.jsonl'))));
    return name;
  };

  test.each([
    [
      'a foreign file',
      written('foreign.jsonl', () => '{"hello":"world"}\n'),
      /foreign\.jsonl is no journal of conclave/,
    ],
    [
      'a picture',
      written('picture.png', () => Buffer.from([0x89, 0x50, 0, 0xff, 10, 26])),
      /picture\.png is no journal/,
    ],
    [
      'a SQLite journal',
      written('journal.db', () => `SQLite format 3\0${'x'.repeat(100)}`),
      /journal\.db is a SQLite journal, which a browser cannot read/,
    ],
    ['an empty file', written('empty.jsonl', () => ''), /empty\.jsonl is empty/],
    [
      'a journal of a newer format',
      () => rewritten('good-1.jsonl', (json) => json.replace('"format":1', '"format":99'), 'newer.jsonl'),
      /newer\.jsonl has format 99; this page reads up to 1\. Open it with the version of conclave that wrote it/,
    ],
  ])('%s is named, and what was shown stays', async (_, write, message) => {
    const name = write();
    await using own = await opened([name]);
    const { page } = own;
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#problem')).toMatch(message);
    expect(await page.isVisible('#nothing')).toBe(true);
    await page.setInputFiles('#files', at('good-1.jsonl'));
    await page.waitForSelector('.record.chosen');
    expect(await page.isHidden('#problem')).toBe(true);
    await page.setInputFiles('#files', at(name));
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.$$('.record')).not.toHaveLength(0);
    expect(own.complaints).toEqual([]);
  });

  test('of a damaged journal what precedes the damage is shown, beside the others, and the place is said', async () => {
    written('flipped.jsonl', (bytes) => bytes.with(bytes.length >> 1, 0x21) as Buffer)();
    await using own = await opened(['good-2.jsonl', 'flipped.jsonl']);
    const { page } = own;
    await page.waitForSelector('.record.chosen');
    expect(await page.textContent('#problem')).toMatch(
      /^The journal is damaged at flipped\.jsonl, line \d+, byte \d+: .* Shown is only what precedes, \d+ records\./,
    );
    expect(
      await page.$$eval('#members button', (all) => all.map((each) => each.getAttribute('data-lane'))),
    ).toEqual(['web-1', 'web-2']);
  });

  test('damage that only a checksum tells is found in a large journal, too', async () => {
    const long = 'x'.repeat(250_000);
    rewritten('good-1.jsonl', (json) => json.replace('"writer":"', `"writer":"${long}`), 'large.jsonl');
    const bytes = readFileSync(at('large.jsonl'));
    expect(bytes.length).toBeGreaterThan(5_000_000);
    await using own = await opened(['large.jsonl']);
    const { page } = own;
    await page.waitForSelector('.record.chosen');
    expect(await page.isHidden('#problem')).toBe(true);
    bytes[bytes.lastIndexOf('xx')] = 0x79;
    writeFileSync(at('large-flipped.jsonl'), bytes);
    await page.setInputFiles('#files', at('large-flipped.jsonl'));
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#problem')).toMatch(
      /^The journal is damaged at large-flipped\.jsonl, line \d+, byte \d+: the checksum is not that of the line\. /,
    );
    expect(own.complaints).toEqual([]);
  });

  test('a journal that misses records says which', async () => {
    rewritten(
      'good-1.jsonl',
      (json) => (json.includes('"seq":4,') ? json.replace('"seq":4,', '"seq":7,') : json),
      'gap.jsonl',
    );
    await using own = await opened(['gap.jsonl']);
    await own.page.waitForSelector('.record.chosen');
    expect(await own.page.textContent('#problem')).toMatch(
      /In gap\.jsonl records of leadership\/billing\/web-1-\w+ are missing before number 7/,
    );
  });

  test('one journal dropped twice is shown once', async () => {
    written('copy.jsonl', (bytes) => bytes)();
    await using own = await opened(['good-1.jsonl']);
    const { page } = own;
    await page.waitForSelector('.record.chosen');
    const count = await page.textContent('#count');
    await page.setInputFiles('#files', at('copy.jsonl'));
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#problem')).toMatch(
      /is in good-1\.jsonl and in copy\.jsonl: shown is that of good-1/,
    );
    expect(await page.textContent('#count')).toBe(count);
  });

  test('journals of two resources are told apart', async () => {
    rewritten(
      'good-2.jsonl',
      (json) => json.replaceAll('leadership/billing/', 'leadership/orders/'),
      'orders.jsonl',
    );
    await using own = await opened(['good-1.jsonl', 'orders.jsonl']);
    const { page } = own;
    await page.waitForSelector('.record.chosen');
    expect(await page.textContent('#notices')).toMatch(
      /journals of 2 resources \(billing, orders\).*Choose one above/,
    );
    expect(await page.inputValue('#group')).toBe('billing');
    expect(await page.$$eval('#members button', (all) => all.length)).toBe(1);
    await page.selectOption('#group', 'orders');
    await page.waitForFunction(() => document.querySelector('#chart-said')?.textContent?.startsWith('web-2'));
  });

  test('clocks of two hosts that disagree are said, and how they were aligned', async () => {
    // The second host says it is an hour earlier than it is.
    const earlier = (json: string) =>
      json
        .replace(/"wall":([\d.]+),"mono"/, (_, wall: string) => `"wall":${Number(wall) - 3_600_000},"mono"`)
        .replace(/"boot":"[^"]+"/, '"boot":"another-boot"');
    rewritten('good-2.jsonl', earlier, 'skewed.jsonl');
    await using own = await opened(['good-1.jsonl', 'skewed.jsonl']);
    const { page } = own;
    await page.waitForSelector('.record.chosen');
    const notices = await page.textContent('#notices');
    expect(notices).toMatch(/ran on 2 hosts.* an overlap or a gap between hosts is only as certain as that/);
    expect(notices).toMatch(
      /The clocks disagree: that of web-\d was 3\d{3}\.\d s (behind|ahead), and its records were moved/,
    );
    expect(await page.textContent('#verdict')).toMatch(
      /^Once members of different hosts may have believed at once, .* no more certain than their clocks/,
    );
  });

  test('a journal of another version of the chart is shown, without contexts', async () => {
    const older = (json: string) => json.replaceAll(/"hash":"[0-9a-f]+"/g, `"hash":"${'0'.repeat(32)}"`);
    rewritten('good-1.jsonl', older, 'older.jsonl');
    await using own = await opened(['older.jsonl']);
    await own.page.waitForSelector('.record.chosen');
    await own.page.waitForFunction(() =>
      document.querySelector('#detail')?.textContent?.includes('Another version of the chart'),
    );
  });
});
