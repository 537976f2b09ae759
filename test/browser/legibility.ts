import { join } from 'node:path';
import type { Page } from 'playwright-core';

/** Kept for whoever wants to look: `CONCLAVE_SCREENSHOTS=directory`. */
export async function photograph(page: Page, name: string): Promise<void> {
  const directory = process.env['CONCLAVE_SCREENSHOTS'];
  if (directory === undefined) return;
  await page.screenshot({
    path: join(directory, `${name}.png`),
    fullPage: (page.viewportSize()?.width ?? 0) < 500,
  });
}

/**
 * What a reader would stumble over: a page wider than the screen, text too pale for its ground (4.5 to 1), controls
 * without a name, controls too small for a finger on a phone, two elements with one id.
 */
export function faultsToTheEye(page: Page): Promise<string[]> {
  return page.evaluate(() => {
    const faults: string[] = [];
    const over = document.documentElement.scrollWidth - innerWidth;
    if (over > 0) faults.push(`${over} pixels wider than the screen`);
    const channels = (colour: string) => (colour.match(/[\d.]+/g) ?? []).map(Number);
    const light = (colour: string) => {
      const [red = 0, green = 0, blue = 0] = channels(colour).map((value) => {
        const share = value / 255;
        return share <= 0.040_45 ? share / 12.92 : ((share + 0.055) / 1.055) ** 2.4;
      });
      return 0.2126 * red + 0.7152 * green + 0.0722 * blue;
    };
    const ground = (element: Element | null): string => {
      for (let at = element; at !== null; at = at.parentElement) {
        const { backgroundColor } = getComputedStyle(at);
        const [, , , alpha = 1] = channels(backgroundColor);
        if (alpha === 1) return backgroundColor;
      }
      return 'rgb(255, 255, 255)';
    };
    const isSeen = (element: Element) => element.checkVisibility() && element.getClientRects().length > 0;
    for (const element of document.querySelectorAll('body *:not(svg *, script, style, option)')) {
      const own = [...element.childNodes].some(
        (node) => node.nodeType === 3 && node.textContent?.trim() !== '',
      );
      if (!own || !isSeen(element)) continue;
      if (element instanceof HTMLButtonElement && element.disabled) continue;
      const [a, b] = [light(getComputedStyle(element).color), light(ground(element))].toSorted(
        (x, y) => y - x,
      );
      const contrast = ((a ?? 0) + 0.05) / ((b ?? 0) + 0.05);
      if (contrast < 4.5)
        faults.push(`contrast ${contrast.toFixed(1)}: "${element.textContent?.slice(0, 40)}"`);
    }
    for (const control of document.querySelectorAll(
      'button, input, select, textarea, [tabindex="0"], [role="grid"]',
    )) {
      if (!isSeen(control)) continue;
      const { id, tagName } = control;
      const named =
        (control.getAttribute('aria-label') ?? '') !== '' ||
        control.hasAttribute('aria-labelledby') ||
        ('labels' in control && ((control.labels as NodeList | null)?.length ?? 0) > 0) ||
        (tagName === 'BUTTON' && control.textContent?.trim() !== '');
      if (!named) faults.push(`no name: ${tagName} ${id}`);
      const { width, height } = control.getBoundingClientRect();
      if (width < 24 || height < 24)
        faults.push(`small: ${tagName} ${id} ${control.textContent} ${width}×${height}`);
    }
    const ids = [...document.querySelectorAll('body [id]:not(svg *)')].map(({ id }) => id);
    for (const id of new Set(ids))
      if (ids.filter((each) => each === id).length > 1) faults.push(`twice: #${id}`);
    return faults;
  });
}
