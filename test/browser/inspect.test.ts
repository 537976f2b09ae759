/** `conclave inspect`, as a user runs it, looked at in a real browser. */
import { once } from 'node:events';
import { writeFileSync } from 'node:fs';
import { get, type IncomingMessage } from 'node:http';
import { join } from 'node:path';
import type { Browser } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createLeaderElection, memoryLeases } from '../../src/index.ts';
import { exportJournal } from '../../src/journal/jsonl-export.ts';
import { sqliteJournal } from '../../src/sqlite.ts';
import { conclave, Running } from '../integration/conclave-program.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { describeInBrowser, openPage, startBrowser } from './browser.ts';
import { recordedElection } from './recorded-election.ts';

const scratch = temporaryDirectory();
const at = (name: string) => join(scratch.path, name);

describeInBrowser('conclave inspect', () => {
  let browser: Browser;
  beforeAll(async () => {
    browser = await startBrowser();
    const [journal] = await recordedElection({ members: 1, stores: 1 });
    const chunks: Uint8Array[] = [];
    if (journal !== undefined) await exportJournal(journal, (chunk) => void chunks.push(chunk));
    writeFileSync(at('web-1.jsonl'), Buffer.concat(chunks));
  });
  afterAll(async () => {
    await browser.close();
    scratch[Symbol.dispose]();
  });

  test('opens the journals it was given, and asks nobody else for anything', async () => {
    await using serving = new Running(['inspect', 'web-1.jsonl', '--no-open'], { cwd: scratch.path });
    await serving.says(/Look at http/);
    const [address = ''] = /http:\S+/.exec(serving.stdout) ?? [];
    await using own = await openPage(browser, `${address}/`);
    await own.page.waitForSelector('.record.chosen');
    expect(await own.page.textContent('#verdict')).toMatch(/^One term; never two/);
    expect(own.complaints).toEqual([]);
    const foreign = get(`${address}/`, { headers: { host: 'somewhere.example' } });
    const [response] = (await once(foreign, 'response')) as [IncomingMessage];
    response.resume();
    expect(response.statusCode).toBe(421);
  });

  test('--follow shows records of a member as they are written', async () => {
    await using journal = sqliteJournal({ path: at('live.db') });
    await using leases = memoryLeases();
    await using election = createLeaderElection({
      resource: 'billing',
      candidateId: 'web-1',
      leases,
      journal,
      leaseDurationMs: 2000,
    });
    await election.start();
    await election.whenLeader();
    await using serving = new Running(['inspect', 'live.db', '--follow', '--no-open'], { cwd: scratch.path });
    await serving.says(/Look at http/);
    const [address = ''] = /http:\S+/.exec(serving.stdout) ?? [];
    await using own = await openPage(browser, `${address}/`);
    const { page } = own;
    await page.waitForSelector('.record.chosen');
    // It leads: that its last word will not hold for ever is no end of its term.
    expect(await page.textContent('#terms tr')).toContain('leads as far as told');
    // Whoever listens hears of leaders, not of each record; and keeps the focus.
    expect(await page.getAttribute('#told', 'aria-live')).toBe('off');
    expect(await page.textContent('#heard')).toMatch(/^web-1 leads: term 1, token \d+$/);
    await page.focus('#terms button');
    await election.resign();
    await page.waitForFunction(() =>
      document.querySelector('#records')?.textContent?.includes('lease.released'),
    );
    await page.waitForFunction(() => document.querySelector('#heard')?.textContent === 'nobody leads');
    expect(await page.evaluate(() => document.activeElement?.closest('#terms') !== null)).toBe(true);
    await page.waitForFunction(() =>
      document.querySelector('#chart-said')?.textContent?.includes('follower'),
    );
    expect(own.complaints).toEqual([]);
  });

  test('a page that follows says when nobody answers, and goes on without showing anything twice', async () => {
    await using journal = sqliteJournal({ path: at('again.db') });
    await using leases = memoryLeases();
    await using election = createLeaderElection({
      resource: 'billing',
      leases,
      journal,
      leaseDurationMs: 2000,
    });
    await election.start();
    await election.whenLeader();
    const follow = (port: string) =>
      new Running(['inspect', 'again.db', '--follow', '--no-open', '--port', port], { cwd: scratch.path });
    const first = follow('0');
    await first.says(/Look at http/);
    const [address = ''] = /http:\S+/.exec(first.stdout) ?? [];
    await using own = await openPage(browser, `${address}/`);
    const { page } = own;
    await page.waitForSelector('.record.chosen');
    await first[Symbol.asyncDispose]();
    await page.waitForSelector('#problem:not([hidden])');
    expect(await page.textContent('#problem')).toMatch(/The connection is lost/);
    await election.resign();
    await using second = follow(new URL(address).port);
    await second.says(/Look at http/);
    await page.waitForSelector('#problem[hidden]', { state: 'attached' });
    await page.waitForFunction(() => document.querySelector('#terms tr')?.textContent?.includes('given up'));
    // Every record is there once: the position and the numbers say so.
    await page.fill('#search', '@1');
    await page.waitForFunction(() => document.querySelector('#count')?.textContent?.startsWith('1 of '));
    await election.stop();
  });

  test.each([
    [['nothing.db'], 2, /nothing\.db/],
    [['web-1.jsonl', '--port', '99999'], 2, /must be a port/],
  ])('%j is refused', async (args, exitCode, message) => {
    const { code, stderr } = await conclave(['inspect', '--no-open', ...args], { cwd: scratch.path });
    expect([code, stderr]).toEqual([exitCode, expect.stringMatching(message)]);
  });
});
