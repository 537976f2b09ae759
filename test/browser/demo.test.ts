/** The demo as somebody sees it in a browser: real members, killed, frozen and started by clicks, one configuration. */
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Browser, Page } from 'playwright-core';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { conclave, Running } from '../integration/conclave-program.ts';
import { temporaryDirectory } from '../project/repository.ts';
import { describeInBrowser, openPage, startBrowser } from './browser.ts';
import { faultsToTheEye, photograph } from './legibility.ts';

const scratch = temporaryDirectory();
const PATIENCE = { timeout: 90_000 };

describeInBrowser('conclave demo, in the browser', () => {
  let browser: Browser;
  let demo: Running;
  let own: Awaited<ReturnType<typeof openPage>>;
  let page: Page;
  let address: string;

  beforeAll(async () => {
    browser = await startBrowser();
    demo = new Running(['demo', '--lease', '3s'], { cwd: scratch.path });
    await demo.says(/Look at http/);
    [address = ''] = /http:\S+/.exec(demo.stdout) ?? [];
    own = await openPage(browser, `${address}/`);
    page = own.page;
    await page.waitForFunction(
      () =>
        document.querySelectorAll('.card.leads').length === 1 &&
        document.querySelectorAll('.applied li').length === 3 &&
        !document.querySelector('.applied')?.textContent?.includes('none'),
      undefined,
      PATIENCE,
    );
  });
  afterAll(async () => {
    await browser.close();
    await demo[Symbol.asyncDispose]();
    scratch[Symbol.dispose]();
  });

  const leader = () => page.getAttribute('.card.leads button', 'data-member');
  const act = (name: string, what: string) => page.click(`[data-member="${name}"][data-act="${what}"]`);

  test('killing the leader shows the successor, and what it cost', async () => {
    const first = (await leader()) ?? '';
    // By the keyboard: the focus goes to what can be done next.
    await page.focus(`[data-member="${first}"][data-act="kill"]`);
    await page.keyboard.press('Enter');
    await page.waitForFunction(
      (name) =>
        (document.activeElement as HTMLElement).dataset['member'] === name &&
        (document.activeElement as HTMLElement).dataset['act'] === 'start',
      first,
      PATIENCE,
    );
    await page.waitForFunction(
      (name) => document.querySelector('.cost')?.textContent?.includes(`took over from ${name} (killed)`),
      first,
      PATIENCE,
    );
    expect(await page.textContent('.cost')).toMatch(
      /nobody led for [\d.]+ m?s, of which the lease had .* beyond it/,
    );
    const second = (await leader()) ?? '';
    expect(second).not.toBe(first);
    // The viewer below tells the same, from the members' own records.
    await page.waitForFunction(
      (name) => document.querySelector('#told')?.textContent?.startsWith(`${name} leads: term 2`),
      second,
      PATIENCE,
    );
    expect(await page.isDisabled(`[data-member="${first}"][data-act="kill"]`)).toBe(true);
    await act(first, 'start');
    await page.waitForFunction(
      ([name, leads]) =>
        [...document.querySelectorAll('.card')].some((card) =>
          card.textContent?.startsWith(`${name} follower.watching, follows ${leads}`),
        ),
      [first, second],
      PATIENCE,
    );
  });

  test('a leader that is frozen is succeeded, and follows when it is resumed', async () => {
    const first = (await leader()) ?? '';
    await act(first, 'freeze');
    await page.waitForFunction(
      (name) => document.querySelector('.cost')?.textContent?.includes(`took over from ${name} (frozen)`),
      first,
      PATIENCE,
    );
    await act(first, 'resume');
    await page.waitForFunction(
      (name) =>
        [...document.querySelectorAll('.card')].some((card) =>
          card.textContent?.startsWith(`${name} follower.watching, follows`),
        ),
      first,
      PATIENCE,
    );
    expect(await page.textContent('#verdict')).toMatch(/^3 terms; never two that believed at once$/);
  });

  test('a configuration that is saved comes into force on all, a broken one on none', async () => {
    const told = () => page.$$eval('.applied li', (all) => all.map((each) => each.textContent ?? ''));
    await page.fill('#configuration', 'greeting: good evening\n');
    await page.click('text=Save for all');
    await page.waitForFunction(
      () =>
        [...document.querySelectorAll('.applied li')].every((each) =>
          each.textContent?.includes('generation 2'),
        ),
      undefined,
      PATIENCE,
    );
    await page.fill('#configuration', 'greeting: [\nx: : y\n');
    await page.click('text=Save for all');
    await page.waitForFunction(
      () => document.querySelector('.applied')?.textContent?.includes('refused what is saved: line 2'),
      undefined,
      PATIENCE,
    );
    expect((await told()).every((each) => each.includes('generation 2'))).toBe(true);
    // Its chart is another, and lit as well.
    await page.click('#members [data-lane="member-1 configuration"]');
    await page.waitForFunction(
      () => document.querySelector('#chart [data-state="applied"].active') !== null,
      undefined,
      PATIENCE,
    );
  });

  test('journals that are saved from the page verify', async () => {
    const links = await page.$$('.saves a');
    expect(links.length).toBeGreaterThanOrEqual(4);
    for (const link of links) {
      const waiting = page.waitForEvent('download');
      await link.click();
      const saved = await waiting;
      const path = join(scratch.path, saved.suggestedFilename());
      await saved.saveAs(path);
      const { code, stdout } = await conclave(['journal', 'verify', path], { cwd: scratch.path });
      expect([code, stdout]).toEqual([0, expect.any(String)]);
    }
  });

  test('is legible at three widths, light and dark', async () => {
    for (const width of [1500, 900, 390]) {
      await page.setViewportSize({ width, height: 900 });
      for (const colorScheme of ['light', 'dark'] as const) {
        await page.emulateMedia({ colorScheme });
        expect.soft(await faultsToTheEye(page), `${width} ${colorScheme}`).toEqual([]);
        await photograph(page, `demo-${width}-${colorScheme}`);
      }
    }
    expect(own.complaints).toEqual([]);
  });

  test('nobody but its page can do anything to members', async () => {
    const { demo: told } = (await (await fetch(`${address}/viewer.json`)).json()) as {
      demo: { token: string };
    };
    const ask = (headers: Record<string, string>, path = '/demo/members/member-1/kill', method = 'POST') =>
      fetch(`${address}${path}`, { method, headers, ...(method === 'PUT' && { body: 'x'.repeat(70_000) }) });
    const good = { origin: address, 'x-conclave-demo': told.token };
    expect((await ask({})).status).toBe(403);
    expect((await ask({ ...good, origin: 'http://evil.example' })).status).toBe(403);
    expect((await ask({ ...good, 'x-conclave-demo': told.token.slice(1) })).status).toBe(403);
    expect((await ask(good, '/demo/members/member-1/eat')).status).toBe(404);
    expect((await ask(good, '/demo/members/nobody/kill')).status).toBe(409);
    expect((await ask(good, '/demo/configuration', 'PUT')).status).toBe(413);
    expect((await fetch(`${address}/demo/journals/..%2f..%2fleases.jsonl`)).status).toBe(404);
    const { headers } = await fetch(`${address}/`);
    expect(headers.get('content-security-policy')).toBe("frame-ancestors 'none'");
  });

  test('when it ends, the page says so and stays', async () => {
    demo.kill('SIGINT');
    await page.waitForFunction(
      () =>
        document.querySelector('.demo-said')?.textContent?.includes('does not answer') &&
        document.querySelector('#problem')?.textContent?.includes('The connection is lost'),
      undefined,
      PATIENCE,
    );
    expect(await page.$$('.record')).not.toHaveLength(0);
    const { code } = await demo.ended;
    const failed = demo.stdout.match(/^✗ .*/gm) ?? [];
    // How soon a successor comes on a busy machine is tried in failover.test.ts.
    expect(failed.filter((line) => !line.startsWith('✗ a successor within'))).toEqual([]);
    expect(code, demo.stdout).toBe(failed.length === 0 ? 0 : 1);
    writeFileSync(join(scratch.path, 'demo.log'), demo.stdout);
  });
});
