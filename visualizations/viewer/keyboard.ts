import type { ViewState } from './view-state.ts';

/** The keys of the page; none while somebody writes. */
export function listenToKeys(view: ViewState, search: HTMLInputElement, help: HTMLDialogElement): void {
  const term = (by: 1 | -1) => {
    const at = view.at ?? 0;
    const { spans } = view;
    const next =
      by > 0 ? spans.find(({ from }) => from > at + 0.5) : spans.findLast(({ from }) => from < at - 0.5);
    if (next !== undefined) view.choose(view.rowAt(next.from));
  };
  const overlap = () => {
    const at = view.at ?? 0;
    const all = (view.history?.overlaps ?? []).filter(({ first }) => view.lanes.includes(first.lane));
    const next = all.find(({ second }) => second.from > at + 0.5) ?? all[0];
    if (next !== undefined) view.choose(view.rowAt(next.second.from));
  };
  const zoom = (factor: number) => {
    const [from, until] = view.range;
    const centre = view.at ?? (from + until) / 2;
    view.setRange(centre - (centre - from) * factor, centre + (until - centre) * factor);
  };
  const keys: Readonly<Record<string, () => void>> = {
    ArrowLeft: () => view.step(-1),
    ArrowRight: () => view.step(1),
    ArrowUp: () => view.step(-1),
    ArrowDown: () => view.step(1),
    PageUp: () => view.step(-20),
    PageDown: () => view.step(20),
    Home: () => view.choose(view.rows[0] ?? 0),
    End: () => view.choose(view.rows.at(-1) ?? 0),
    '[': () => term(-1),
    ']': () => term(1),
    o: overlap,
    '+': () => zoom(0.5),
    '-': () => zoom(2),
    '0': () => view.setRange(...view.whole()),
    '/': () => search.focus(),
    '?': () => help.showModal(),
  };
  document.addEventListener('keydown', (event) => {
    const { target } = event;
    const isSlider = target instanceof HTMLInputElement && target.type === 'range';
    const writing =
      !isSlider &&
      (target instanceof HTMLInputElement ||
        target instanceof HTMLSelectElement ||
        target instanceof HTMLTextAreaElement);
    if (event.key === 'Escape' && writing) target.blur();
    if (
      writing ||
      document.querySelector('dialog[open]') !== null ||
      event.ctrlKey ||
      event.metaKey ||
      event.altKey
    )
      return;
    const act = keys[event.key];
    if (act === undefined || scrolls(target, event.key)) return;
    event.preventDefault();
    act();
  });
}

const DOWN: ReadonlySet<string> = new Set(['ArrowUp', 'ArrowDown', 'PageUp', 'PageDown', 'Home', 'End']);
const ACROSS: ReadonlySet<string> = new Set(['ArrowLeft', 'ArrowRight']);

/** Whether the focus is on something long that the key scrolls. The list of records follows the chosen one instead. */
function scrolls(target: EventTarget | null, key: string): boolean {
  if (!(target instanceof HTMLElement) || target.id === 'records' || target.tabIndex !== 0) return false;
  const { overflowX, overflowY } = getComputedStyle(target);
  const isLong = /auto|scroll/.test(overflowY) && target.scrollHeight > target.clientHeight;
  const isWide = /auto|scroll/.test(overflowX) && target.scrollWidth > target.clientWidth;
  return (DOWN.has(key) && isLong) || (ACROSS.has(key) && isWide);
}
