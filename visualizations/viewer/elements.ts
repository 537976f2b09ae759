/** Elements of the page, found or made. */

export function find<T extends Element>(selector: string, kind: abstract new () => T): T {
  const element = document.querySelector(selector);
  if (element instanceof kind) return element;
  throw new Error(`The page has no ${selector}.`);
}

export type Content = Node | string;

/** Makes an element; text is only ever put in as text. */
export function make<K extends keyof HTMLElementTagNameMap>(
  tag: K,
  attributes: Readonly<Record<string, string>> = {},
  ...content: readonly Content[]
): HTMLElementTagNameMap[K] {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...content);
  return element;
}

/** Says something in a live region. The same again is not said: a screen reader would read it aloud each time. */
export function say(place: HTMLElement, text: string): void {
  if (place.textContent !== text) place.textContent = text;
}

/** The same of several, a paragraph each. */
export function sayEach(place: HTMLElement, texts: readonly string[]): void {
  const said = [...place.children].map(({ textContent }) => textContent);
  if (said.join('\n') !== texts.join('\n'))
    place.replaceChildren(...texts.map((text) => make('p', {}, text)));
}

/** The value of a colour of the style sheet, light or dark as the page is. */
export const colour = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export function milliseconds(ms: number): string {
  const size = Math.abs(ms);
  if (size < 1000) return `${ms.toFixed(size < 10 ? 2 : 1)} ms`;
  if (size < 120_000) return `${(ms / 1000).toFixed(2)} s`;
  return `${(ms / 60_000).toFixed(1)} min`;
}

export const clockTime = (time: number): string => new Date(time).toISOString().slice(11, 23);
