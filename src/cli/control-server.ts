import { rmSync } from 'node:fs';
import { createServer, type Server, type Socket } from 'node:net';
import { ConclaveError, UsageError } from '../errors.ts';
import type { MemberSocket } from './control-sockets.ts';
import { toJson } from './output.ts';

/**
 * A member's control socket: JSON lines, one reply for each request, in the order in which they are done.
 * `{"id":1,"command":"status"}` → `{"id":1,"result":{…}}` or `{"id":1,"error":{"code":…,"message":…}}`.
 */

export const CONTROL_COMMANDS = ['status', 'resign', 'pause', 'resume', 'reload', 'config', 'stop'] as const;
export type ControlCommand = (typeof CONTROL_COMMANDS)[number];

/** What is asked; what a command takes besides its name stands beside it. */
export interface ControlRequest {
  readonly id?: unknown;
  readonly command?: unknown;
  readonly force?: unknown;
}

/** What each command does; its result goes back as JSON. */
export type ControlHandlers = Readonly<Record<ControlCommand, (request: ControlRequest) => unknown>>;

/** Longer lines are no requests. */
const REQUEST_BYTES_MAX = 4096;
const CONNECTIONS_MAX = 32;
/** A client that says nothing for this long is let go. */
const IDLE_MS = 30_000;

/** Listens until it is closed or disposed of, which removes the socket. */
export class ControlServer implements AsyncDisposable {
  readonly #server: Server;
  readonly #handlers: ControlHandlers;
  readonly #connections = new Set<Socket>();
  readonly #place: MemberSocket;

  private constructor(place: MemberSocket, handlers: ControlHandlers) {
    this.#place = place;
    this.#handlers = handlers;
    this.#server = createServer((connection) => this.#serve(connection));
    this.#server.maxConnections = CONNECTIONS_MAX;
  }

  static async listen(place: MemberSocket, handlers: ControlHandlers): Promise<ControlServer> {
    const control = new ControlServer(place, handlers);
    const { promise, resolve, reject } = Promise.withResolvers<void>();
    control.#server.once('error', reject);
    control.#server.listen(place.socket, resolve);
    await promise;
    control.#server.off('error', reject);
    return control;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    const closed = Promise.withResolvers<void>();
    this.#server.close(() => closed.resolve());
    for (const connection of this.#connections) connection.destroySoon();
    await closed.promise;
    for (const file of this.#place.files) rmSync(file, { force: true });
  }

  #serve(connection: Socket): void {
    this.#connections.add(connection);
    connection.once('close', () => this.#connections.delete(connection));
    connection.on('error', () => connection.destroy());
    connection.setTimeout(IDLE_MS, () => connection.destroy());
    connection.setEncoding('utf8');
    let pending = '';
    connection.on('data', (chunk: string) => {
      pending += chunk;
      const lines = pending.split('\n');
      pending = lines.pop() ?? '';
      for (const line of lines) if (line.trim() !== '') void this.#answer(connection, line);
      if (pending.length > REQUEST_BYTES_MAX) connection.destroy();
    });
  }

  async #answer(connection: Socket, line: string): Promise<void> {
    let id: unknown = null;
    try {
      const request = (JSON.parse(line) ?? {}) as ControlRequest;
      id = request.id ?? null;
      const result = (await this.#handlers[commandOf(request.command)](request)) ?? null;
      if (connection.writable) connection.write(`${toJson({ id, result })}\n`);
    } catch (error) {
      const code = error instanceof ConclaveError ? error.code : 'UNEXPECTED';
      const message = error instanceof Error ? error.message : String(error);
      if (connection.writable) connection.write(`${toJson({ id, error: { code, message } })}\n`);
    }
  }
}

function commandOf(command: unknown): ControlCommand {
  const known = CONTROL_COMMANDS.find((each) => each === command);
  if (known !== undefined) return known;
  throw new UsageError(
    'SETTINGS_INVALID',
    `There is no command ${JSON.stringify(command)}; there are ${CONTROL_COMMANDS.join(', ')}.`,
  );
}
