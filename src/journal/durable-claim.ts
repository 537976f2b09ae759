import { readFileSync, readlinkSync } from 'node:fs';
import { threadId } from 'node:worker_threads';

/**
 * Who holds a stream for writing, so that a second writer is refused while the first lives and welcome once it is
 * dead. A process id alone is not enough: it is used again after a restart. With the boot of the host, the pid
 * namespace and the time the process started, a mark names one process for ever.
 *
 * What cannot be told is decided for the newcomer: a mark of another boot or another pid namespace (a container that
 * was replaced) counts as dead. Nothing rests on that: each commit checks that the claim is still its own, so that
 * a writer that was wrongly taken for dead is refused at its next commit instead of being interleaved.
 */
export interface ProcessMark {
  readonly pid: number;
  /** When it started, as the system counts it; null where that cannot be read. */
  readonly started: string | null;
  readonly boot: string | null;
  readonly namespace: string | null;
  readonly thread: number;
}

/** A claim on something that has one writer. */
export interface Claim {
  /** Unique to each act of claiming. */
  readonly id: string;
  /** The journal writer, for messages. */
  readonly writer: string;
  readonly mark: ProcessMark;
}

let claims = 0;

/** A claim by this thread of this process. `writer` is the process incarnation of the stream's header. */
export function newClaim(writer: string): Claim {
  claims += 1;
  return { id: `${writer}/${threadId}.${claims}`, writer, mark: ownMark() };
}

function ownMark(): ProcessMark {
  return {
    pid: process.pid,
    started: processStat(process.pid)?.started ?? null,
    boot: readOrNull(() => readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim()),
    namespace: readOrNull(() => readlinkSync('/proc/self/ns/pid')),
    thread: threadId,
  };
}

/**
 * Whether whoever set `theirs` still lives, as seen by the claimant `own`. Claims of the same thread count as dead:
 * whether they are is known to that thread, which asks itself before it asks here.
 */
export function isAlive(theirs: ProcessMark, own: ProcessMark): boolean {
  if (theirs.boot !== own.boot || theirs.namespace !== own.namespace) return false;
  if (theirs.pid === own.pid && theirs.started === own.started) return theirs.thread !== own.thread;
  if (!exists(theirs.pid)) return false;
  const stat = processStat(theirs.pid);
  // A zombie has ended and only waits for its parent to notice.
  return stat === null || (stat.started === theirs.started && stat.state !== 'Z' && stat.state !== 'X');
}

/** What people are told about the holder of a claim. */
export function describeHolder({ writer, mark }: Claim): string {
  return `${writer} (process ${mark.pid})`;
}

function exists(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    // EPERM: it lives and belongs to somebody else.
    return (error as NodeJS.ErrnoException).code === 'EPERM';
  }
}

function processStat(pid: number): { readonly state: string; readonly started: string } | null {
  return readOrNull(() => {
    const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
    // The second field is the program's name in parentheses, which may itself hold blanks and parentheses.
    const fields = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
    // proc(5): state is field 3, starttime field 22.
    return { state: fields[0] ?? '', started: fields[19] ?? '' };
  });
}

function readOrNull<T>(read: () => T): T | null {
  try {
    return read();
  } catch {
    return null;
  }
}

const held = new Set<string>();

/** Takes `name` for this thread; false if it is taken. The in-process half of every claim. */
export function holdLocally(name: string): boolean {
  if (held.has(name)) return false;
  held.add(name);
  return true;
}

export function releaseLocally(name: string): void {
  held.delete(name);
}
