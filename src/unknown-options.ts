import { SettingsError, UsageError } from './errors.ts';
import { nearest } from './suggest.ts';

/**
 * Refuses options that nobody reads: a mistyped one would otherwise silently have its default.
 *
 * @param what What takes the options, for the message: `createLeaderElection`.
 * @throws SettingsError `UNKNOWN_OPTION`, naming the nearest known one
 */
export function refuseUnknownOptions(options: object, known: readonly string[], what: string): void {
  if (typeof options !== 'object' || options === null)
    throw new UsageError('SETTINGS_INVALID', `${what} needs an object of options.`);
  for (const name of Object.keys(options)) {
    if (known.includes(name)) continue;
    const near = nearest(name, known);
    throw new SettingsError(
      'UNKNOWN_OPTION',
      `There is no option "${name}"${near === null ? '' : `; did you mean "${near}"?`} Known options: ${known.join(', ')}.`,
    );
  }
}
