import { closeSync, openSync } from 'node:fs';

/**
 * SIGHUP means "read your configuration again", unless the terminal that the member was started from is gone: then
 * nobody is there any more to stop it.
 */
export function onReloadSignal(reload: () => void, stop: (why: string) => void): Disposable {
  const hadTerminal = hasTerminal();
  const listener = () => (hadTerminal && !hasTerminal() ? stop('the terminal is gone') : reload());
  process.on('SIGHUP', listener);
  return { [Symbol.dispose]: () => void process.off('SIGHUP', listener) };
}

/** Whether there is a controlling terminal. */
function hasTerminal(): boolean {
  try {
    closeSync(openSync('/dev/tty', 'r'));
    return true;
  } catch {
    return false;
  }
}
