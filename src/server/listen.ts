import type { AddressInfo } from 'node:net';
import { serve } from '@hono/node-server';
import type { Hono } from 'hono';
import { SettingsError } from '../errors.ts';

/** A server that listens. Disposing of it ends it, open connections included. */
export interface Listening extends AsyncDisposable {
  /** `http://127.0.0.1:8080`. */
  readonly url: string;
  readonly port: number;
}

export interface ListenOptions {
  /** 0, the default, takes any free one. */
  readonly port?: number;
  /** Default loopback. */
  readonly address?: string;
  /** Try the next ports, at most this many, where the wanted one is taken. */
  readonly others?: number;
}

/**
 * Serves an application.
 *
 * @throws SettingsError `SETTINGS_INVALID` if the address or the port cannot be had
 */
export async function listen(
  app: Hono,
  { port = 0, address = '127.0.0.1', others = 0 }: ListenOptions = {},
): Promise<Listening> {
  for (let at = port; ; at += 1) {
    try {
      return await listenAt(app, at, address);
    } catch (cause) {
      const { code = '', message } = cause as NodeJS.ErrnoException;
      if (code === 'EADDRINUSE' && at < port + others) continue;
      throw new SettingsError(
        'SETTINGS_INVALID',
        `${address}:${at} cannot be listened on: ${REASONS[code] ?? message}. Choose another port or address.`,
        { cause },
      );
    }
  }
}

const REASONS: Readonly<Record<string, string>> = {
  EADDRINUSE: 'another program has it',
  EACCES: 'this user may not use that port',
  EADDRNOTAVAIL: 'this host has no such address',
};

function listenAt(app: Hono, port: number, hostname: string): Promise<Listening> {
  return new Promise((resolve, reject) => {
    const server = serve({ fetch: app.fetch, port, hostname }, (info: AddressInfo) => {
      const host = hostname.includes(':') ? `[${hostname}]` : hostname;
      resolve({
        url: `http://${host}:${info.port}`,
        port: info.port,
        [Symbol.asyncDispose]: () =>
          new Promise((closed) => {
            server.close(() => closed());
            // Streams never end by themselves.
            if ('closeAllConnections' in server) server.closeAllConnections();
          }),
      });
    });
    server.once('error', reject);
  });
}
