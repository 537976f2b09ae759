import { SettingsError } from '../errors.ts';

/** The oldest Node that has all that Conclave asks of it; package.json says the same. */
export const NODE_MIN = '22.18';

/**
 * Said before anything is loaded that an older Node does not have: what it says of that is no help.
 *
 * @throws SettingsError `SETTINGS_INVALID` for a Node that is too old
 */
export function checkNode(version: string): void {
  const [major = 0, minor = 0] = version.split('.').map(Number);
  const [majorMin = 0, minorMin = 0] = NODE_MIN.split('.').map(Number);
  if (major > majorMin || (major === majorMin && minor >= minorMin)) return;
  throw new SettingsError(
    'SETTINGS_INVALID',
    `This is Node ${version}, but Conclave needs ${NODE_MIN} or later: install one, or put it first in PATH.`,
  );
}
