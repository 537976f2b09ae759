import { ConclaveError, SettingsError, StoreUnavailableError, type ErrorCode } from '../errors.ts';

/** Result codes of SQLite (https://sqlite.org/rescode.html), as node:sqlite reports them. */
const BUSY = 5;
const LOCKED = 6;
const READONLY = 8;
const IOERR = 10;
const CORRUPT = 11;
const CANTOPEN = 14;
const NOTADB = 26;
const READONLY_DBMOVED = 1032;

/** What of an error crosses from the worker. */
export interface WireError {
  readonly code: ErrorCode;
  readonly message: string;
  /** Null for an error of the settings. */
  readonly outcomeUnknown: boolean | null;
}

/** What SQLite says, in the store's words. `outcomeUnknown`: the change may be on disk all the same. */
export function leaseErrorOf(error: unknown, path: string, outcomeUnknown: boolean): ConclaveError {
  if (error instanceof ConclaveError) return error;
  const said = error instanceof Error ? error.message : String(error);
  const code = extendedCode(error);
  const details = { cause: error, outcomeUnknown };
  switch (code & 0xff) {
    case NOTADB:
      return new SettingsError(
        'STORE_NOT_A_DATABASE',
        `${path} is not a SQLite database. It was left untouched; choose another path.`,
        details,
      );
    case CORRUPT:
      return new SettingsError(
        'STORE_NOT_A_DATABASE',
        `${path} is damaged (${said}). It was left untouched; move it away and start again.`,
        details,
      );
    case READONLY:
      if (code === READONLY_DBMOVED) break;
      return new SettingsError('DIRECTORY_UNWRITABLE', `${path} cannot be written: ${said}.`, details);
    case CANTOPEN:
      return new SettingsError('DIRECTORY_UNWRITABLE', `${path} cannot be opened: ${said}.`, details);
    case BUSY:
    case LOCKED:
      // Nothing was changed: the lock was never had.
      return new StoreUnavailableError(
        'STORE_UNAVAILABLE',
        `Another process keeps ${path} locked: ${said}.`,
        {
          cause: error,
          outcomeUnknown: false,
        },
      );
  }
  return new StoreUnavailableError(
    'STORE_UNAVAILABLE',
    `${path} cannot be used at present: ${said}.`,
    details,
  );
}

/** Whether another connection held the lock for too long. */
export function isBusy(error: unknown): boolean {
  const code = extendedCode(error) & 0xff;
  return code === BUSY || code === LOCKED;
}

/** Whether the connection must not be trusted any more: it may believe written what is not, or be on a moved file. */
export function breaksConnection(error: unknown): boolean {
  const code = extendedCode(error instanceof ConclaveError ? error.cause : error);
  return [IOERR, CORRUPT, NOTADB, CANTOPEN].includes(code & 0xff) || code === READONLY_DBMOVED;
}

export function toWire(error: ConclaveError): WireError {
  const outcomeUnknown = error instanceof StoreUnavailableError ? error.outcomeUnknown : null;
  return { code: error.code, message: error.message, outcomeUnknown };
}

export function fromWire({ code, message, outcomeUnknown }: WireError): ConclaveError {
  if (outcomeUnknown === null) return new SettingsError(code, message);
  return new StoreUnavailableError(code, message, { outcomeUnknown });
}

function extendedCode(error: unknown): number {
  const code = (error as { readonly errcode?: unknown } | null)?.errcode;
  return typeof code === 'number' ? code : 0;
}
