import { createConnection } from 'node:net';
import { systemClock } from '../runtime/system-clock.ts';
import type { ControlCommand, ControlRequest } from './control-server.ts';
import { codeOf } from './member-places.ts';

/** What asking a member came to. `gone`: nobody listens; `silent`: it is there but does not answer in time. */
export type Answer<T> =
  | { readonly kind: 'answered'; readonly result: T }
  | { readonly kind: 'refused'; readonly code: string; readonly message: string }
  | { readonly kind: 'gone' }
  | { readonly kind: 'silent'; readonly message: string };

/** A live member answers within a few milliseconds; one that does not is frozen or overloaded. */
export const ANSWER_TIMEOUT_MS = 1500;

/** Sends one command to a member's control socket, with what it takes besides. Never rejects. */
export function ask<T>(
  socket: string,
  command: ControlCommand,
  timeoutMs: number = ANSWER_TIMEOUT_MS,
  given: Omit<ControlRequest, 'id' | 'command'> = {},
): Promise<Answer<T>> {
  return new Promise((resolve) => {
    const connection = createConnection(socket);
    let received = '';
    const settle = (answer: Answer<T>) => {
      systemClock.clearTimeout(timer);
      connection.destroy();
      resolve(answer);
    };
    const timer = systemClock.setTimeout(
      () => settle({ kind: 'silent', message: `no answer within ${timeoutMs} ms` }),
      timeoutMs,
    );
    connection.setEncoding('utf8');
    connection.on('connect', () => connection.write(`${JSON.stringify({ ...given, id: 1, command })}\n`));
    connection.on('data', (chunk: string) => {
      received += chunk;
      const end = received.indexOf('\n');
      if (end !== -1) settle(answerFrom(received.slice(0, end)));
    });
    connection.on('error', (error) => {
      const code = codeOf(error);
      if (code === 'ECONNREFUSED' || code === 'ENOENT') settle({ kind: 'gone' });
      else settle({ kind: 'silent', message: error.message });
    });
    connection.on('close', () => settle({ kind: 'gone' }));
  });
}

function answerFrom<T>(line: string): Answer<T> {
  const reply = JSON.parse(line) as {
    readonly result?: T;
    readonly error?: { readonly code: string; readonly message: string };
  };
  if (reply.error) return { kind: 'refused', ...reply.error };
  return { kind: 'answered', result: reply.result as T };
}
