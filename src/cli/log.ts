import { type DestinationStream, destination, pino } from 'pino';
import type { Logger } from '../logger.ts';

/**
 * A member's log, on standard error: a line an event for people, JSON for programs. It is written in the background
 * and loses lines rather than stop a leader whose log nobody reads.
 */

/** Bytes kept for a reader that does not keep up. */
const BACKLOG_BYTES_MAX = 1024 * 1024;

export interface MemberLog extends Disposable {
  readonly logger: Logger;
  /** Which lines are written from now on. */
  setLevel(level: keyof Logger): void;
}

export interface LogOptions {
  readonly json: boolean;
  readonly level: keyof Logger;
}

export function openLog({ json, level }: LogOptions): MemberLog {
  const stderr = destination({ fd: 2, sync: false, maxLength: BACKLOG_BYTES_MAX });
  // A terminal or a reader that is gone takes nothing any more, and the rest would be written to it for ever.
  let isGone = false;
  stderr.on('error', () => {
    isGone = true;
    stderr.destroy();
  });
  const lines: DestinationStream = {
    write: (line) => void (isGone || stderr.write(json ? line : humanLine(line))),
  };
  const logger = pino({ level, base: null }, lines);
  const setLevel = (wanted: keyof Logger) => void (logger.level = wanted);
  return { logger, setLevel, [Symbol.dispose]: () => (isGone ? undefined : flush(stderr)) };
}

function flush(stderr: { flushSync(): void }): void {
  try {
    stderr.flushSync();
  } catch {
    // Nothing was ever written, or nobody reads any more.
  }
}

interface Line {
  readonly level: number;
  readonly time: number;
  readonly msg: string;
  readonly record?: string;
}

const LEVELS: Readonly<Record<number, string>> = { 20: 'debug', 30: 'info ', 40: 'WARN ', 50: 'ERROR' };

function humanLine(json: string): string {
  const { level, time, msg, record } = JSON.parse(json) as Line;
  const clock = new Date(time).toISOString().slice(11);
  return `${clock}  ${LEVELS[level] ?? level}  ${msg}${record === undefined ? '' : `  [${record}]`}\n`;
}
