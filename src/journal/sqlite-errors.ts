import { ConclaveError, JournalError, type ErrorCode } from '../errors.ts';

/** Primary result codes of SQLite (https://sqlite.org/rescode.html); the lower byte of what node:sqlite reports. */
const SQLITE_IOERR = 10;
const SQLITE_CORRUPT = 11;
const SQLITE_CONSTRAINT = 19;
const SQLITE_NOTADB = 26;

/** What of an error crosses from the worker. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  readonly place: string | null;
}

/** What SQLite says, in the journal's words: damage and conflicts are final, everything else may pass. */
export function journalErrorOf(error: unknown, path: string): ConclaveError {
  if (error instanceof ConclaveError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const details = { place: path, cause: error };
  switch (primaryCode(error)) {
    case SQLITE_CORRUPT:
    case SQLITE_NOTADB:
      return new JournalError(
        'JOURNAL_CORRUPT',
        `${path} is damaged: ${said}. Restore it from a copy.`,
        details,
      );
    case SQLITE_CONSTRAINT:
      return new JournalError('JOURNAL_CONFLICT', `Another writer went on in ${path}: ${said}.`, details);
    default:
      return new JournalError('JOURNAL_FAILED', `${path} cannot be written at present: ${said}.`, details);
  }
}

/** Whether the connection must not be trusted any more: after a failed sync, only what is read back is known. */
export function isIoError(error: unknown): boolean {
  return primaryCode(error) === SQLITE_IOERR;
}

export function toWire(error: ConclaveError): WireError {
  return {
    code: error.code,
    message: error.message,
    place: error instanceof JournalError ? error.place : null,
  };
}

export function fromWire({ code, message, place }: WireError): JournalError {
  return new JournalError(code, message, place === null ? {} : { place });
}

function primaryCode(error: unknown): number | null {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code & 0xff : null;
}
