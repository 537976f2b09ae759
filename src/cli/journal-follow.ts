import type { JournalReader } from '../journal/durable-reader.ts';
import type { JournalRecord } from '../journal/journal.ts';
import { systemClock } from '../runtime/system-clock.ts';

/** How often journals that are being written are looked at. */
const POLL_MS = 200;

/** How far each stream was read. */
type Places = Map<string, number>;

/** Records of one journal that are new since the last look. */
async function* fresh(reader: JournalReader, places: Places): AsyncGenerator<JournalRecord> {
  for (const { stream, seq, first } of await reader.streams()) {
    const from = Math.max((places.get(stream) ?? 0) + 1, first);
    if (seq < from) continue;
    for await (const record of reader.read(stream, { from })) {
      places.set(stream, record.seq);
      yield record;
    }
  }
}

/**
 * Every record of some journals, then new ones as they are written, until the signal is aborted.
 *
 * @param readers Asked at each look, so that journals may come later.
 * @param onProblem Told of a journal that cannot be read now; the next look tries again.
 */
export async function* followJournals(
  readers: () => readonly JournalReader[],
  signal: AbortSignal,
  onProblem: (error: unknown) => void = () => {},
): AsyncGenerator<JournalRecord> {
  const places = new Map<JournalReader, Places>();
  while (!signal.aborted) {
    for (const reader of readers()) {
      const own = places.get(reader) ?? new Map<string, number>();
      places.set(reader, own);
      try {
        yield* fresh(reader, own);
      } catch (error) {
        onProblem(error);
      }
    }
    const { promise, resolve } = Promise.withResolvers<void>();
    const timer = systemClock.setTimeout(resolve, POLL_MS);
    signal.addEventListener('abort', () => resolve(), { once: true });
    await promise;
    systemClock.clearTimeout(timer);
  }
}
