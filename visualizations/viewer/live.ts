/** What a running member, or several, tell of themselves: server-sent events of the page's own origin. */

/** Records are shown this often at most, however fast they come. */
const SHOWN_EVERY_MS = 150;
/** Records handed over at a time, so that a long past comes in parts that are seen to come. */
const BATCH = 5000;
/** Of what waits if that is more: making a picture costs the same however many are new, so this catches up. */
const BATCH_SHARE = 0.5;
/** The browser gives up where a server answers with an error; this goes on. */
const AGAIN_AFTER_MS = 2000;

export interface LiveOptions {
  /** Takes records, one JSON text each; the next come when it is done. */
  readonly onRecords: (lines: readonly string[]) => Promise<void>;
  readonly onState: (state: 'live' | 'broken') => void;
}

/**
 * Follows `/events` until the page is closed. After a break the browser says by `Last-Event-ID` what it had last; what
 * comes twice all the same is known by its number.
 */
export function follow({ onRecords, onState }: LiveOptions): void {
  const waiting: string[] = [];
  let busy = false;
  const hand = async (): Promise<void> => {
    while (waiting.length > 0) {
      const lines = waiting.splice(0, Math.max(BATCH, Math.ceil(waiting.length * BATCH_SHARE)));
      await onRecords(lines);
      await new Promise((resolve) => setTimeout(resolve, SHOWN_EVERY_MS));
    }
    busy = false;
  };
  const connect = (): void => {
    const source = new EventSource('events');
    source.addEventListener('open', () => onState('live'));
    source.addEventListener('error', () => {
      onState('broken');
      if (source.readyState === EventSource.CLOSED) setTimeout(connect, AGAIN_AFTER_MS);
    });
    source.addEventListener('record', ({ data }: MessageEvent<string>) => {
      waiting.push(data);
      if (busy) return;
      busy = true;
      setTimeout(() => void hand(), SHOWN_EVERY_MS / 3);
    });
  };
  connect();
}
