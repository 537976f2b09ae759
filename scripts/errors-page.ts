/** Prints docs/errors.md from the table in src/errors.ts: `npm run generate`. */
import { type ErrorCode, ERRORS, type Reaction } from '../src/errors.ts';

const REACTIONS: Record<Reaction, string> = {
  'fix-settings':
    '`SettingsError` (journals: `JournalError`): change a setting, a flag or a path, then start again',
  'fix-code': '`UsageError`: change the calling code',
  'fix-configuration': '`ConfigError`: correct the configuration; `diagnostics` say where',
  retry: '`StoreUnavailableError` (journals: `JournalError`): wait, it is tried again',
  'stop-work': '`LeadershipError`: stop the work that needs leadership',
  'inspect-journal': '`JournalError`: look at the journal; `place` says where',
};

/** The page as it must be. */
export function errorsPage(): string {
  const codes = Object.keys(ERRORS) as ErrorCode[];
  const sections = (Object.keys(REACTIONS) as Reaction[]).map((reaction) => {
    const rows = codes
      .filter((code) => ERRORS[code].reaction === reaction)
      .map((code) => `- \`${code}\`: ${ERRORS[code].cure}`);
    return `## ${REACTIONS[reaction]}\n\n${rows.join('\n')}\n`;
  });
  return [
    '# Errors\n',
    '<!-- Made from src/errors.ts by `npm run generate`. Do not edit. -->\n',
    'Every error has a stable `code`, a message that says what happened with which values, and often a `cause`. One class',
    'for each reaction a caller can have; catch classes, log codes.\n',
    ...sections,
  ].join('\n');
}
