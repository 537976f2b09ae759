import { type Logger, silentLogger } from '../logger.ts';
import type { ConclaveServer } from './serve.ts';

/**
 * The order in which a member goes away: not ready → requests in flight finish → the lease is handed over → servers and
 * stores close. A member that hands over first serves its last requests without leadership; one that closes first leaves
 * them without an answer. Each step is taken even if the one before failed, and none waits without end.
 */
export interface ShutDownSteps {
  readonly server: Pick<ConclaveServer, 'drain' | 'close'>;
  /** How long requests in flight may take, in milliseconds. */
  readonly drainTimeoutMs: number;
  /** Hands the lease over: `() => election.stop()`. */
  readonly release: () => Promise<void>;
  /** Closes what is left: configuration, journal, stores. */
  readonly close?: () => Promise<void>;
  readonly logger?: Logger;
}

/** Takes the steps one after the other; rejects with the first failure once all were tried. */
export async function shutDown({
  server,
  drainTimeoutMs,
  release,
  close,
  logger = silentLogger,
}: ShutDownSteps): Promise<void> {
  const failures: unknown[] = [];
  const step = async (what: string, act: () => Promise<unknown>) => {
    try {
      await act();
    } catch (error) {
      failures.push(error);
      logger.error({ error }, `Could not ${what}: ${String(error)}`);
    }
  };
  await step('finish requests', async () => {
    const left = await server.drain(drainTimeoutMs);
    if (left > 0)
      logger.warn({ left }, `${left} requests were not finished within ${drainTimeoutMs} ms and are cut off`);
  });
  await step('hand over the lease', release);
  await step('close the server', () => server.close());
  if (close !== undefined) await step('close', close);
  for (const failure of failures) throw failure;
}
