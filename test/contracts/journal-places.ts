import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { Journal } from '../../src/journal/journal.ts';
import { jsonlJournal } from '../../src/journal/jsonl-journal.ts';
import { sqliteJournal } from '../../src/journal/sqlite-journal.ts';
import type { JournalPlace } from './journal.contract.ts';
import type { OnNotice } from '../../src/journal/durable-notice.ts';

export interface DurablePlace extends JournalPlace {
  readonly path: string;
  open(onNotice?: OnNotice): Journal;
}

export type DurableKind = 'sqlite' | 'jsonl';

const open = { sqlite: sqliteJournal, jsonl: jsonlJournal } as const;
const names = { sqlite: 'journal.db', jsonl: 'journal.jsonl' } as const;

/** A directory that is gone afterwards. */
export function scratch(): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), 'journal-'));
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true, force: true }) };
}

/** A journal of that kind, in `directory` or one of its own. */
export function durablePlace(kind: DurableKind, directory?: string): DurablePlace {
  const own = directory === undefined ? scratch() : null;
  const path = join(directory ?? own?.path ?? '', names[kind]);
  return {
    path,
    open: (onNotice) => open[kind]({ path, ...(onNotice !== undefined && { onNotice }) }),
    [Symbol.asyncDispose]: async () => own?.[Symbol.dispose](),
  };
}
