import type { Checkpoint } from './checkpoint.ts';
import type { JournalRecord, MachineIdentity } from './journal.ts';
import { encodeFrame } from './jsonl-frame.ts';

/**
 * What the lines of a JSONL journal say. The first is the header. Then come records, and between them checkpoints,
 * the state behind a record, at which a journal can be trimmed. An *export* has no checkpoints and ends in a footer
 * with the count and a digest over everything before it, so that a copy which lost its end is noticed even when it was
 * cut between two lines; a *live* journal has no footer, because it is never finished.
 */

/** How one stream lies in an export. */
export interface JsonlStream {
  readonly stream: string;
  readonly first: number;
  readonly last: number;
}

/** The first line. A live journal does not know its streams yet and lists none. */
export interface JsonlHeader {
  readonly conclave: 'journal';
  readonly format: number;
  readonly form: 'export' | 'live';
  /** The runtime that wrote the file; a record names the one that wrote the record. */
  readonly runtime: string;
  readonly machines: readonly MachineIdentity[];
  readonly streams: readonly JsonlStream[];
}

/** The state behind a record of `stream` that came before. Only live journals have them. */
export interface JsonlCheckpoint {
  readonly conclave: 'checkpoint';
  readonly stream: string;
  readonly checkpoint: Checkpoint;
}

/** The last line of an export. */
export interface JsonlFooter {
  readonly conclave: 'end';
  readonly records: number;
  /** SHA-256 (hexadecimal) over all bytes before this line. */
  readonly digest: string;
}

/** Encodes any line. */
export function encodeLine(value: JsonlHeader | JournalRecord | JsonlCheckpoint | JsonlFooter): Buffer {
  return encodeFrame(JSON.stringify(value));
}

/** Whether the first bytes of a file are (perhaps damaged) JSONL of ours. */
export function looksLikeJsonl(start: Uint8Array): boolean {
  const text = Buffer.from(start.buffer, start.byteOffset, Math.min(start.byteLength, 256)).toString(
    'latin1',
  );
  return /^\d{1,8} [0-9a-f]{8} \{"/.test(text) || text.includes('{"conclave":"journal"');
}
