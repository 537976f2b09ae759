import { parseCommaForm } from './connection-string-comma.ts';
import { CONNECTION_STRING_MAX_LENGTH, type Piece, refuse, trim } from './connection-string-text.ts';
import { isUrl, parseUrl } from './connection-string-url.ts';
import type { RedisSettings } from './settings-shape.ts';

/**
 * Understands a connection string: a URL, the absolute path of a Unix socket, or the comma form
 * (`host:port,password=…,ssl=true`).
 *
 * @throws SettingsError `REDIS_SETTINGS_INVALID` with the column of what is wrong, and nothing of the string itself
 */
export function parseConnectionString(text: string): RedisSettings {
  if (text.length > CONNECTION_STRING_MAX_LENGTH)
    throw refuse(
      null,
      `it has ${text.length} characters; ${CONNECTION_STRING_MAX_LENGTH} are the most. Is it a file?`,
    );
  const whole = trim({ text, at: 0 });
  checkCharacters(whole);
  if (whole.text.startsWith('/'))
    return parseUrl({ text: `unix:${whole.text}`, at: whole.at - 'unix:'.length });
  return isUrl(whole.text) ? parseUrl(whole) : parseCommaForm(whole);
}

function checkCharacters({ text, at }: Piece): void {
  if (text === '')
    throw refuse(null, 'it is empty. Is a variable not set? Write, for example, redis://localhost:6379.');
  const quote = /^["'`]/.exec(text);
  if (quote !== null)
    throw refuse(
      at,
      'it begins with a quotation mark, which a shell or a file has left in it; leave it out.',
    );
  // oxlint-disable-next-line no-control-regex -- it is control characters that are looked for
  const control = /[\u0000-\u001f\u007f]/.exec(text);
  if (control !== null)
    throw refuse(at + control.index, 'there is a line break or another control character; leave it out.');
}
