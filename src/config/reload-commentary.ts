import type { Diagnostic } from '../../machines/index.ts';
import type { Logger } from '../logger.ts';
import type { ConfigEvent } from './reload-events.ts';

/** A line for the log: what an operator expects to read, at the level an operator expects. */
export interface Comment {
  readonly level: keyof Logger;
  readonly message: string;
}

const short = (sha: string | null): string => (sha === null ? '(unread)' : sha.slice(0, 12));

/** `file:line:column: path: message`, as far as the place is known. */
export function placed({ file, line, column, path, message }: Diagnostic): string {
  const where = [file, line, column].filter((part) => part !== null).join(':');
  return `${where === '' ? '' : `${where}: `}${path === null ? '' : `${path}: `}${message}`;
}

/** One line for each fact worth one; null for what would only be noise. */
export function comment(event: ConfigEvent): Comment | null {
  switch (event.type) {
    case 'applied': {
      const { generation, sha, changed } = event;
      const restart = changed.restart.length > 0 ? `; needs a restart: ${changed.restart.join(', ')}` : '';
      return { level: 'info', message: `Configuration ${generation} (${short(sha)}) applied${restart}` };
    }
    case 'rejected': {
      const [first] = event.diagnostics;
      const more = event.diagnostics.length + event.omitted - 1;
      const reason = first === undefined ? 'no reason given' : placed(first);
      return {
        level: 'error',
        message: `Configuration ${short(event.sha)} rejected while ${event.stage}${event.known ? ' before' : ''}: ${reason}${more > 0 ? ` (and ${more} more)` : ''}`,
      };
    }
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
      return { level: 'info', message: `Waiting for a file that holds ${short(event.sha)}` };
    case 'abortFailed':
      return { level: 'warn', message: event.error.message };
    case 'journalFailed': {
      const then = event.policy === 'stop' ? 'nothing new is applied' : 'reloading goes on';
      return { level: 'error', message: `Journal failed (${then}): ${event.error.message}` };
    }
    case 'headUnavailable':
      return { level: 'error', message: `The shared configuration cannot be asked for: ${event.message}` };
    case 'headRecovered':
      return { level: 'info', message: 'The shared configuration can be asked for again' };
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
    case 'confirmed':
    case 'unchanged':
    case 'superseded':
    case 'adopted':
    case 'forgotten':
      return { level: 'debug', message: `Configuration: ${event.type}` };
    case 'reloadStarted':
      return null;
  }
}
