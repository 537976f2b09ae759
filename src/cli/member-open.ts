import { SettingsError } from '../errors.ts';
import { Member } from './member.ts';
import type { ServersOf } from './member-servers.ts';
import type { MemberSettings } from './member-settings.ts';

/** Which flag gives each option of the library, for its messages. */
const FLAGS: Readonly<Record<string, string>> = {
  leaseDurationMs: '--lease',
  renewIntervalMs: '--renew',
  gracePeriodMs: '--grace',
  resource: '--resource',
};

/** As the constructor, but its errors name flags. */
export function openMember(settings: MemberSettings, serversOf?: ServersOf): Member {
  try {
    return new Member(settings, serversOf);
  } catch (error) {
    if (!(error instanceof SettingsError)) throw error;
    throw new SettingsError(error.code, inFlags(error), { cause: error });
  }
}

/** A message of the library in the words of the command line: flags, and durations with their unit. */
function inFlags({ code, message }: SettingsError): string {
  const named = message.replaceAll(/\b[a-z]\w+\b/gi, (word) => FLAGS[word] ?? word);
  if (code !== 'TIMING_UNSAFE') return named;
  return named
    .replace(/, or set unsafeFastLease.*?(?=\.)/, '')
    .replaceAll(/\b(\d+)(?!\w|\.\d| m?s\b)/g, '$1ms');
}
