import type { Diagnostic } from '../../machines/index.ts';
import type { Comment } from '../commentator.ts';
import type { ConfigEvent, ConfigEventOf } from './reload-events.ts';

/** What lines speak of. */
export interface CommentSubject {
  /** Where the configuration comes from. */
  readonly source: string;
  /** What kind of store it is shared in, if it is. */
  readonly store: 'memory' | 'sqlite' | 'redis' | null;
}

const short = (sha: string | null): string => (sha === null ? '(unread)' : sha.slice(0, 12));

/** `file:line:column: path: message`, as far as the place is known. */
export function placed({ file, line, column, path, message }: Diagnostic): string {
  const where = [file, line, column].filter((part) => part !== null).join(':');
  return `${where === '' ? '' : `${where}: `}${path === null ? '' : `${path}: `}${message}`;
}

/** The first of them, and how many there are besides. */
function reasonOf([first, ...others]: readonly Diagnostic[], omitted = 0): string {
  const more = others.length + omitted;
  return `${first === undefined ? 'no reason given' : placed(first)}${more > 0 ? ` (and ${more} more)` : ''}`;
}

function waiting(sha: string | null): Comment {
  if (sha !== null) return { level: 'info', message: `Waiting for a file that holds ${short(sha)}` };
  return {
    level: 'warn',
    message: 'The configuration file is gone; what is in force stays until it is back',
  };
}

/** One line for each fact worth one; null for what would only be noise. */
export function comment(event: ConfigEvent, { source, store }: CommentSubject): Comment | null {
  switch (event.type) {
    case 'applied':
      return { level: 'info', message: inForce(event) };
    case 'rejected':
      // What may pass by itself is tried again soon.
      return { level: event.transient ? 'warn' : 'error', message: refused(event) };
    case 'rolledBack':
      return {
        level: 'warn',
        message: `Configuration ${short(event.from)} rolled back (${event.cause}); ${event.sha === null ? 'none' : short(event.sha)} is in force`,
      };
    case 'unhealthy':
      return {
        level: 'error',
        message: `Configuration is in trouble: ${event.message}${event.halfDone.length > 0 ? ` Half done: ${event.halfDone.join(', ')}` : ''}`,
      };
    case 'waitingForFile':
      return waiting(event.sha);
    case 'abortFailed':
      return { level: 'warn', message: event.error.message };
    case 'journalFailed': {
      const then = event.policy === 'stop' ? 'nothing new is applied' : 'reloading goes on';
      return { level: 'error', message: `Journal failed (${then}): ${event.error.message}` };
    }
    case 'headUnavailable':
      return {
        level: 'error',
        message: `${store === 'redis' ? 'Redis connection failed: the' : 'The'} shared configuration cannot be asked for: ${event.message}`,
      };
    case 'headRecovered':
      return { level: 'info', message: 'The shared configuration can be asked for again' };
    case 'watchDegraded':
    case 'watchFailed':
      return { level: 'warn', message: `File watcher error: ${event.message}` };
    case 'watchRecovered':
      return { level: 'info', message: `File watching works again (${event.reason})` };
    case 'historyRegressed':
      return {
        level: 'warn',
        message: `The store lost configurations: it is at ${event.generation} (${short(event.sha)}), ${event.seen} was seen before`,
      };
    case 'headObserved':
      return {
        level: 'debug',
        message: `The shared configuration is at ${event.generation} (${short(event.sha)})`,
      };
    case 'proposed':
      return {
        level: 'info',
        message: `Configuration ${event.generation} (${short(event.sha)}) proposed to all: ${event.why}`,
      };
    case 'notProposed':
      return { level: 'error', message: kept(event) };
    case 'confirmed':
    case 'unchanged':
    case 'superseded':
    case 'adopted':
    case 'forgotten':
      return { level: 'debug', message: `Configuration: ${event.type}` };
    case 'reloadStarted': {
      if (event.trigger === 'file')
        return { level: 'info', message: `Configuration file changed: ${source}` };
      if (event.trigger === 'dependencies')
        return { level: 'info', message: `What the configuration refers to changed: ${source}` };
      return null;
    }
  }
}

function inForce({ generation, sha, changed, previous }: ConfigEventOf<'applied'>): string {
  const what = previous === null ? 'Configuration loaded' : 'Configuration reloaded successfully';
  const restart = changed.restart.length > 0 ? `; needs a restart: ${changed.restart.join(', ')}` : '';
  return `${what}: generation ${generation} (${short(sha)})${restart}`;
}

function refused({ diagnostics, omitted, sha, stage, known }: ConfigEventOf<'rejected'>): string {
  return `Failed to reload configuration: ${reasonOf(diagnostics, omitted)} (${short(sha)}, while ${stage}${known ? ' before' : ''})`;
}

function kept({ diagnostics, sha }: ConfigEventOf<'notProposed'>): string {
  return `Failed to reload configuration: ${reasonOf(diagnostics)} (${short(sha)}, not proposed to the others)`;
}
