import { link, readFile, rename, rm, writeFile } from 'node:fs/promises';
import { JournalError } from '../errors.ts';
import { describeHolder, isAlive, type Claim } from './durable-claim.ts';
import type { OnNotice } from './durable-notice.ts';

/**
 * A lock file beside a journal: one process writes a JSONL file. Node has no file locks, so the lock is a file that
 * says who holds it. It appears with its whole content at once (written aside, then linked into place), and that of
 * a dead holder is moved away before it is removed, so that two newcomers never both remove, one the other's new one.
 */

/** Attempts to take a lock that others take and leave at the same time. */
const ATTEMPTS_MAX = 20;

/** Takes the lock for `claim`. Throws JournalError `JOURNAL_IN_USE` naming the live holder. */
export async function takeLock(path: string, claim: Claim, onNotice: OnNotice): Promise<void> {
  const lock = lockOf(path);
  const aside = `${lock}.${suffix(claim)}`;
  try {
    await writeFile(aside, JSON.stringify(claim));
    for (let attempt = 0; attempt < ATTEMPTS_MAX; attempt += 1) {
      if (await linked(aside, lock)) return;
      const holder = await textOrNull(lock);
      if (holder === null) continue;
      refuseLive(path, parseClaim(holder), claim);
      if (await removeDead(lock, holder, suffix(claim))) {
        const who = parseClaim(holder);
        const message = `${path}: took over from ${who === null ? 'an unknown writer' : describeHolder(who)}, which is gone.`;
        onNotice({ kind: 'taken-over', stream: null, message });
      }
    }
  } finally {
    await rm(aside, { force: true });
  }
  throw inUse(path, 'several processes at once');
}

/** Whether `claim` still holds the lock. */
export async function holdsLock(path: string, claim: Claim): Promise<boolean> {
  const holder = await textOrNull(lockOf(path));
  return holder !== null && parseClaim(holder)?.id === claim.id;
}

/** Gives the lock up, if `claim` has it. */
export async function leaveLock(path: string, claim: Claim): Promise<void> {
  if (await holdsLock(path, claim)) await rm(lockOf(path), { force: true });
}

function lockOf(path: string): string {
  return `${path}.lock`;
}

async function linked(from: string, to: string): Promise<boolean> {
  try {
    await link(from, to);
    return true;
  } catch (error) {
    if (isCode(error, 'EEXIST')) return false;
    throw error;
  }
}

/** Moves the lock away and removes it, if it still is the one that was judged. */
async function removeDead(lock: string, judged: string, name: string): Promise<boolean> {
  const away = `${lock}.dead.${name}`;
  try {
    await rename(lock, away);
  } catch (error) {
    if (isCode(error, 'ENOENT')) return false;
    throw error;
  }
  const moved = await textOrNull(away);
  // Somebody was faster and has a lock of his own there, which is now ours to put back.
  if (moved !== judged) await linked(away, lock);
  await rm(away, { force: true });
  return moved === judged;
}

function refuseLive(path: string, holder: Claim | null, claim: Claim): void {
  if (holder !== null && isAlive(holder.mark, claim.mark)) throw inUse(path, describeHolder(holder));
}

function inUse(path: string, who: string): JournalError {
  return new JournalError(
    'JOURNAL_IN_USE',
    `The journal ${path} is being written by ${who}. Give each process a file of its own.`,
    { place: path },
  );
}

/** Null for what no lock of ours ever said: what a power cut left of one. */
function parseClaim(text: string): Claim | null {
  try {
    const claim = JSON.parse(text) as Claim;
    return typeof claim.mark.pid === 'number' ? claim : null;
  } catch {
    return null;
  }
}

async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if (isCode(error, 'ENOENT')) return null;
    throw error;
  }
}

function suffix({ id }: Claim): string {
  return id.replaceAll(/[^A-Za-z0-9.-]/g, '_');
}

function isCode(error: unknown, code: string): boolean {
  return (error as NodeJS.ErrnoException | null)?.code === code;
}
