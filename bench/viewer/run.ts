/**
 * The viewer in a real Chromium: how long a journal of two hundred thousand records takes from the moment it is
 * dropped until it is shown, and how long a frame takes while somebody scrubs, steps, zooms and searches.
 *
 * Usage: npm run bench:viewer [-- FILE…]; without files, those of a long run are made first, in a temporary directory.
 */
import { mkdtempSync, rmSync, statSync } from 'node:fs';
import { cpus, loadavg, tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { chromium, type Page } from 'playwright-core';
import { table } from '../../src/cli/output.ts';
import { longRun } from './long-run.ts';

const RECORDS = 200_000;
const LOAD_GOAL_MS = 3000;
/** Two frames of a screen with 60 a second. */
const SCRUB_GOAL_MS = 34;
const LOADS = 3;
const GESTURES = 200;

const viewer = pathToFileURL(join(import.meta.dirname, '../../visualizations/viewer.html')).href;

/** Milliseconds from the choice of the files until the last record is painted. */
async function load(page: Page, files: readonly string[]): Promise<number> {
  await page.goto(viewer);
  await page.evaluate(() => {
    const began: { at?: number } = {};
    Object.assign(globalThis, { began });
    // The page hears of the files in this event, whatever the driver did before.
    document.querySelector('#files')?.addEventListener('change', () => (began.at = performance.now()), true);
  });
  await page.setInputFiles('#files', files, { timeout: 60_000 });
  const shown = await page.waitForFunction(
    () => {
      if (document.querySelector('.record.chosen') === null) return null;
      return performance.now() - ((globalThis as { began?: { at?: number } }).began?.at ?? 0);
    },
    undefined,
    { timeout: 120_000, polling: 'raf' },
  );
  return (await shown.jsonValue()) ?? Number.NaN;
}

/** What a gesture takes from its event until the frame that shows it has been painted. */
async function gestures(page: Page, kind: string): Promise<number[]> {
  return page.evaluate(
    async ({ gesture, count }) => {
      const slider = document.querySelector('#position') as HTMLInputElement;
      const timeline = document.querySelector('#timeline') as HTMLElement;
      const search = document.querySelector('#search') as HTMLInputElement;
      const box = timeline.getBoundingClientRect();
      const last = Number(slider.max);
      const words = ['lease', 'lease.re', 'lease.renewed web-2', 'candidate', '@1000', 'resign', ''];
      const acts: Record<string, (turn: number) => void> = {
        scrub: (turn) => {
          slider.value = String(Math.floor((last * (turn + 0.5)) / count));
          slider.dispatchEvent(new Event('input'));
        },
        step: () => document.dispatchEvent(new KeyboardEvent('keydown', { key: 'ArrowLeft', bubbles: true })),
        zoom: (turn) =>
          timeline.dispatchEvent(
            new WheelEvent('wheel', {
              deltaY: turn % 40 < 20 ? -120 : 120,
              clientX: box.left + box.width * 0.6,
              clientY: box.top + 30,
              cancelable: true,
            }),
          ),
        search: (turn) => {
          search.value = words[turn % words.length] ?? '';
          search.dispatchEvent(new Event('input'));
        },
      };
      const frame = () =>
        new Promise<number>((resolve) =>
          requestAnimationFrame(() => setTimeout(() => resolve(performance.now()))),
        );
      const times: number[] = [];
      for (let turn = 0; turn < count; turn += 1) {
        await frame();
        const began = performance.now();
        acts[gesture]?.(turn);
        times.push((await frame()) - began);
      }
      return times;
    },
    { gesture: kind, count: kind === 'search' ? 42 : GESTURES },
  );
}

const percentile = (sorted: readonly number[], share: number): number =>
  sorted[Math.min(Math.floor(sorted.length * share), sorted.length - 1)] ?? Number.NaN;

async function measure(files: readonly string[]): Promise<void> {
  const bytes = files.reduce((sum, file) => sum + statSync(file).size, 0);
  const browser = await chromium.launch({
    executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  });
  const page = await browser.newPage({ viewport: { width: 1400, height: 900 } });
  const loads: number[] = [];
  for (let turn = 0; turn < LOADS; turn += 1) loads.push(await load(page, files));
  const records = await page.textContent('#count');
  console.log(`${records}, ${(bytes / 1e6).toFixed(0)} MB in ${files.length} files`);
  console.log(
    `${cpus().length} cores, load ${loadavg()[0]?.toFixed(1)}, Chromium ${browser.version()}, Node ${process.version}`,
  );
  const sorted = loads.toSorted((a, b) => a - b);
  const rows: (string | number)[][] = [['what', 'n', 'p50 ms', 'p99 ms', 'max ms', 'goal']];
  const row = (what: string, all: readonly number[], goal: string) => {
    const [p50, p99, most] = [0.5, 0.99, 1].map((share) => percentile(all, share).toFixed(0));
    rows.push([what, all.length, Number(p50), Number(p99), Number(most), goal]);
  };
  row('dropped until shown', sorted, `< ${LOAD_GOAL_MS}`);
  for (const kind of ['scrub', 'step', 'zoom', 'search'])
    row(
      `${kind}, until painted`,
      (await gestures(page, kind)).toSorted((a, b) => a - b),
      `p99 ≤ ${SCRUB_GOAL_MS}`,
    );
  for (const line of table(rows)) console.log(line);
  await browser.close();
}

const given = process.argv.slice(2);
if (given.length > 0) await measure(given);
else {
  const directory = mkdtempSync(join(tmpdir(), 'conclave-viewer-'));
  const made = await longRun(directory, RECORDS);
  console.log(`made: ${made.records} records of ${made.virtualHours.toFixed(0)} virtual hours`);
  await measure(made.files);
  rmSync(directory, { recursive: true });
}
