import type { JournalRecord } from '../../src/journal/journal.ts';

/** What a running member, or several, tell of themselves: server-sent events of the page's own origin. */

/** Records are shown this often, however fast they come. */
const SHOWN_EVERY_MS = 200;

export interface LiveOptions {
  readonly onRecords: (records: readonly JournalRecord[]) => void;
  readonly onState: (state: 'live' | 'broken') => void;
}

/** Follows `/events` until the page is closed; the browser connects again by itself. */
export function follow({ onRecords, onState }: LiveOptions): void {
  const source = new EventSource('events');
  let waiting: JournalRecord[] = [];
  source.addEventListener('open', () => onState('live'));
  source.addEventListener('error', () => onState('broken'));
  source.addEventListener('record', ({ data }: MessageEvent<string>) => {
    waiting.push(JSON.parse(data) as JournalRecord);
    if (waiting.length > 1) return;
    setTimeout(() => {
      const records = waiting;
      waiting = [];
      onRecords(records);
    }, SHOWN_EVERY_MS);
  });
}
