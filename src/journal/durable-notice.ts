/** What a durable journal tells its owner beside failures: nothing to act on at once, all of it worth a log line. */
export interface JournalNotice {
  readonly kind: NoticeKind;
  readonly stream: string | null;
  readonly message: string;
}

/**
 * - `overflowed`: records were given up while the disk did not take them; the stream goes on from the state there.
 * - `trimmed`: retention dropped old records.
 * - `forgotten`: retention dropped a whole stream that nobody writes any more.
 * - `taken-over`: the claim of a dead writer was taken.
 * - `repaired`: the torn end of a file was cut off.
 * - `unflushed`: the journal was closed before everything could be written.
 */
export type NoticeKind = 'overflowed' | 'trimmed' | 'forgotten' | 'taken-over' | 'repaired' | 'unflushed';

export type OnNotice = (notice: JournalNotice) => void;
