import { parentPort } from 'node:worker_threads';
import { runPortion, type PortionRequest } from './portion.ts';

/** The thread of a campaign: it is asked for portions of seeds, one after the other. */
parentPort?.on('message', (request: PortionRequest) => {
  void answer(request);
});

async function answer(request: PortionRequest): Promise<void> {
  const totals = await runPortion(request);
  // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
  parentPort?.postMessage(totals);
}
