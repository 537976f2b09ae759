import { type Browser, chromium } from 'playwright-core';
import { describe } from 'vitest';

/** `describe` for suites that need a browser: skipped where there is none, and the run says so. */
export const describeInBrowser = describe.skipIf(process.env['CONCLAVE_TESTS_WITHOUT_BROWSER'] !== undefined);

/** Starts the system's Chromium; it asks nobody for anything by itself. */
export const startBrowser = (): Promise<Browser> =>
  chromium.launch({
    executablePath: '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-background-networking', '--disable-quic', '--disable-dev-shm-usage'],
  });

/** A page that complains about every error and every request to anywhere but `origin`. */
export async function openPage(
  browser: Browser,
  address: string,
  options: Parameters<Browser['newPage']>[0] = {},
) {
  const page = await browser.newPage(options);
  const complaints: string[] = [];
  const { origin, protocol } = new URL(address);
  page.on('console', (message) => {
    if (message.type() === 'error' || message.type() === 'warning') complaints.push(message.text());
  });
  page.on('pageerror', (error) => complaints.push(String(error)));
  page.on('request', (request) => {
    const url = request.url();
    const own = protocol === 'file:' ? url.startsWith('file:') : url.startsWith(`${origin}/`);
    if (!own && !/^(blob|data):/.test(url)) complaints.push(`asked for ${url}`);
  });
  await page.goto(address);
  return { page, complaints, [Symbol.asyncDispose]: () => page.close() };
}
