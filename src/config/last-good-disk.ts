import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { open, readdir, readFile, rename, rm } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import type { ConfigReloadContext } from '../../machines/index.ts';
import { SettingsError } from '../errors.ts';
import {
  type Claim,
  describeHolder,
  holdLocally,
  isAlive,
  newClaim,
  releaseLocally,
} from '../journal/durable-claim.ts';
import { type Logger, silentLogger } from '../logger.ts';
import { processIncarnation } from '../runtime/identity.ts';
import type { Randomness } from '../runtime/randomness.ts';
import { type ConfigContent, decodeContent, encodeContent } from './content.ts';
import { type LastGood, newKey } from './last-good.ts';

/**
 * The memory of one member in a directory of its own. Each file appears whole and on disk, or not at all: it is
 * written aside, synchronised, and renamed into place. Only its owner may read it (0600, the directory 0700): source
 * bytes may hold what should not be seen, although values of the environment and of secret stores never get there.
 *
 * One process at a time: `state.json` names the one that has it, and a second one is refused while that lives.
 */

const STATE = 'state.json';
const CONTENT = /^good-([0-9a-f]{64})\.json$/;
const contentName = (sha: string) => `good-${sha}.json`;

interface State {
  readonly v: 1;
  readonly key: string;
  readonly claim: Claim | null;
  readonly context: ConfigReloadContext | null;
}

/**
 * The memory in `directory`, which is made if there is none. Nobody has claimed it before `open()`.
 *
 * @throws SettingsError `DIRECTORY_UNWRITABLE`, `CONFIG_STATE_IN_USE`
 */
export function diskLastGood(
  directory: string,
  { randomness, logger }: { readonly randomness: Randomness; readonly logger: Logger },
): LastGood {
  const path = resolve(directory);
  const claim = newClaim(processIncarnation());
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const found = readState(path, logger);
    refuseLive(path, found, claim);
    return new DiskLastGood(path, claim, found ?? { key: newKey(randomness), context: null });
  } catch (error) {
    if (error instanceof SettingsError) throw error;
    throw unusable(path, error);
  }
}

class DiskLastGood implements LastGood {
  readonly key: string;
  readonly left: ConfigReloadContext | null;
  readonly location: string;
  readonly #path: string;
  readonly #claim: Claim;
  #context: ConfigReloadContext | null;
  #isOpen = false;
  /** One write after the other: the last one called is the last one on disk. */
  #writing: Promise<unknown> = Promise.resolve();

  constructor(path: string, claim: Claim, { key, context }: Pick<State, 'key' | 'context'>) {
    this.location = path;
    this.#path = path;
    this.#claim = claim;
    this.key = key;
    this.left = context;
    this.#context = context;
  }

  async open(): Promise<void> {
    if (!holdLocally(this.#path)) throw inUse(this.#path, 'this very process');
    try {
      refuseLive(this.#path, readState(this.#path, silentLogger), this.#claim);
      await this.#write(this.#claim);
      this.#isOpen = true;
    } catch (error) {
      releaseLocally(this.#path);
      throw error instanceof SettingsError ? error : unusable(this.#path, error);
    }
  }

  save(context: ConfigReloadContext): Promise<void> {
    this.#context = context;
    return this.#write(this.#claim);
  }

  async keep(content: ConfigContent): Promise<void> {
    await this.#inTurn(() => replace(this.#path, contentName(content.sha), encodeContent(content)));
  }

  keeps(sha: string): boolean {
    return existsSync(join(this.#path, contentName(sha)));
  }

  async content(sha: string): Promise<ConfigContent | null> {
    const name = contentName(sha);
    if (!CONTENT.test(name)) return null;
    const text = await textOrNull(join(this.#path, name));
    return text === null ? null : decodeContent(text, sha, (file) => join(this.#path, name, file));
  }

  async close(): Promise<void> {
    if (!this.#isOpen) return;
    this.#isOpen = false;
    try {
      await this.#write(null);
    } finally {
      releaseLocally(this.#path);
    }
  }

  async #write(claim: Claim | null): Promise<void> {
    const context = this.#context;
    const state: State = { v: 1, key: this.key, claim, context };
    await this.#inTurn(async () => {
      await replace(this.#path, STATE, JSON.stringify(state));
      await this.#dropOthers(context);
    });
  }

  /** What no context names is not returned to any more. */
  async #dropOthers(context: ConfigReloadContext | null): Promise<void> {
    const named = new Set([context?.applied?.sha, context?.fallback?.sha, context?.lastGood?.sha]);
    for (const name of await readdir(this.#path)) {
      const sha = CONTENT.exec(name)?.[1];
      if (sha !== undefined && !named.has(sha)) await rm(join(this.#path, name), { force: true });
    }
  }

  #inTurn(write: () => Promise<void>): Promise<void> {
    const turn = this.#writing.then(write, write);
    this.#writing = turn.catch(() => {});
    return turn;
  }
}

/** A file that is there whole or not at all, whatever happens meanwhile. */
async function replace(directory: string, name: string, text: string): Promise<void> {
  const aside = join(directory, `${name}.new`);
  const file = await open(aside, 'w', 0o600);
  try {
    await file.chmod(0o600);
    await file.writeFile(text);
    await file.sync();
  } finally {
    await file.close();
  }
  await rename(aside, join(directory, name));
  await using entries = await open(directory, 'r');
  await entries.sync();
}

function readState(directory: string, logger: Logger): State | null {
  const path = join(directory, STATE);
  if (!existsSync(path)) return null;
  const text = readFileSync(path, 'utf8');
  try {
    const state = JSON.parse(text) as State;
    if (state.v === 1 && typeof state.key === 'string') return state;
  } catch {
    // Told below.
  }
  renameSync(path, `${path}.damaged`);
  logger.warn(
    { path },
    `${path} is not what an earlier process wrote; it was moved to ${path}.damaged, and the last good configuration is not known.`,
  );
  return null;
}

async function textOrNull(path: string): Promise<string | null> {
  try {
    return await readFile(path, 'utf8');
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return null;
    throw error;
  }
}

function refuseLive(path: string, found: State | null, own: Claim): void {
  if (found?.claim && isAlive(found.claim.mark, own.mark)) throw inUse(path, describeHolder(found.claim));
}

function unusable(path: string, cause: unknown): SettingsError {
  return new SettingsError(
    'DIRECTORY_UNWRITABLE',
    `stateDir ${path} cannot be used: ${(cause as Error).message}. Give the process write permission or another path.`,
    { cause },
  );
}

function inUse(path: string, who: string): SettingsError {
  return new SettingsError(
    'CONFIG_STATE_IN_USE',
    `stateDir ${path} is used by ${who}. Give each member a directory of its own.`,
  );
}
