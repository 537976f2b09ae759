/** The embedded stores: leases and journals in SQLite files, for processes of one host. */
export { sqliteLeases, type SqliteLeaseNotice, type SqliteLeaseOptions } from './lease/sqlite-lease-store.ts';
export { sqliteJournal, type SqliteJournalOptions } from './journal/sqlite-journal.ts';
export { openJournal } from './journal/sqlite-open.ts';
export { sqliteHead, type SqliteHeadOptions } from './config/sqlite-head.ts';
