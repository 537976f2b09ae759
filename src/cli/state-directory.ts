import { createHash } from 'node:crypto';
import { basename, dirname, join } from 'node:path';
import { ConclaveError, JournalError, SettingsError } from '../errors.ts';
import { type Claim, newClaim } from '../journal/durable-claim.ts';
import { leaveLock, takeLock } from '../journal/jsonl-lock.ts';
import { processIncarnation } from '../runtime/identity.ts';
import { prepareDirectory, unwritable } from './member-places.ts';

/**
 * Where a member remembers the last good configuration: a directory for each file and each member that runs by it at a
 * time. A member that comes again takes the first that nobody has, which is the one it had, or that of another member
 * that ran by the same file.
 */

/** Members of one directory that run by one file at a time. */
const MEMBERS_MAX = 64;

export interface StateDirectory extends AsyncDisposable {
  readonly path: string;
}

/**
 * Takes the first free one.
 *
 * @param parent Below which they are.
 * @param file The configuration that is remembered.
 * @throws SettingsError `DIRECTORY_UNWRITABLE`, `CONFIG_STATE_IN_USE`
 */
export async function takeStateDirectory(parent: string, file: string): Promise<StateDirectory> {
  const claim = newClaim(processIncarnation());
  const stem = `${basename(file)}-${digest(file)}`;
  prepareDirectory(parent, '--dir');
  for (let n = 1; n <= MEMBERS_MAX; n += 1) {
    const path = join(parent, `${stem}-${n}`);
    prepareDirectory(path, '--dir');
    if (await taken(join(path, 'member'), claim))
      return { path, [Symbol.asyncDispose]: () => leaveLock(join(path, 'member'), claim) };
  }
  throw new SettingsError(
    'CONFIG_STATE_IN_USE',
    `${MEMBERS_MAX} members below ${parent} run by ${file} already. Give some of them another --dir.`,
  );
}

async function taken(path: string, claim: Claim): Promise<boolean> {
  try {
    await takeLock(path, claim, () => {});
    return true;
  } catch (error) {
    if (error instanceof JournalError && error.code === 'JOURNAL_IN_USE') return false;
    throw error instanceof ConclaveError ? error : unwritable(dirname(path), '--dir', error);
  }
}

const digest = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 8);
