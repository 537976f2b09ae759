import { type ConfigDiagnostic, diagnosticAt, type Hidden } from '../diagnostic.ts';
import { mayAssignSecret, mentionsSecretName } from '../redact-names.ts';
import type { SourceText } from './source-text.ts';

/** Why a text cannot be read, and where; its own words only, never the text's. Thrown and caught within a format. */
export class Unreadable extends Error {
  readonly code: 'SYNTAX' | 'UNSUPPORTED' | 'LIMIT' | 'VALUE' | 'DUPLICATE_KEY' | 'REFERENCE';
  readonly at: number;
  /** Whether a secret may stand right there. */
  readonly secret: boolean;

  constructor(code: Unreadable['code'], at: number, message: string, secret = false) {
    super(message);
    this.code = code;
    this.at = at;
    this.secret = secret;
  }

  diagnostic(source: SourceText, hidden: readonly Hidden[] | null): ConfigDiagnostic {
    const { code, at, message } = this;
    const shown = this.secret ? null : hidden;
    return diagnosticAt({ stage: 'parsing', code, message, source, at, path: null, hidden: shown });
  }
}

/**
 * What an excerpt must hide of a text that was not read: nothing, if no name up to the end of that line says that there
 * could be a secret; else (null) all of it, because nobody knows where the secret ends.
 */
export function hiddenOfUnread(source: SourceText, at: number): readonly Hidden[] | null {
  const [start, end] = source.line(at);
  const { text } = source;
  return mayAssignSecret(text.slice(start, end)) || mentionsSecretName(text.slice(0, end)) ? null : [];
}
