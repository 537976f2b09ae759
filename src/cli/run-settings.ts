import { hostname } from 'node:os';
import { resolve } from 'node:path';
import { SettingsError } from '../errors.ts';
import { silentLogger } from '../logger.ts';
import { showOrigin } from '../settings/origin.ts';
import {
  type GivenSettings,
  givenSettings,
  isGiven,
  LEASE_OPTIONS,
  type SettingOption,
  type SettingOptions,
} from './given-settings.ts';
import type { MemberSettings } from './member-settings.ts';
import { memberSettingsOf } from './up-settings.ts';

/** The member that `run` is, out of settings and flags: it competes for what `up` would by the same ones. */

const FLAGS: readonly SettingOption[] = [...LEASE_OPTIONS, 'dir', 'grace', 'id'];

export interface RunMember {
  readonly member: MemberSettings;
  /** What is worth a line each. */
  readonly notes: readonly string[];
}

/** @throws SettingsError with everything that is wrong, or if nobody says what is led */
export async function runMember(options: SettingOptions): Promise<RunMember> {
  const given = await givenSettings(options, { flags: FLAGS });
  refuseWhatNeverRuns(given);
  const { settings, notes } = given;
  const { journal } = options;
  const member: MemberSettings = {
    ...memberSettingsOf(settings, silentLogger),
    // Several on one host are the rule, and two members of one name are reported.
    name: settings.leaderElection.instanceId ?? `${hostname()}-${process.pid}`,
    // That of the settings belongs to the one process of `up`.
    journal: journal === undefined || journal === 'memory' ? null : resolve(journal),
  };
  return { member, notes: settings.leaderElection.enabled ? notes : [...notes, alone(given)] };
}

function refuseWhatNeverRuns(given: GivenSettings): void {
  // What a directory is called is no lease to rely on for a command that must not run twice.
  if (!isGiven(given, 'leaderElection.resourceName'))
    throw new SettingsError(
      'SETTINGS_INVALID',
      'What is led has no name. Give it by --resource, by CONCLAVE_RESOURCE, or as resource_name in the settings file.',
    );
  if (given.settings.leaderElection.paused)
    throw new SettingsError(
      'SETTINGS_INVALID',
      `${originOf(given, 'leaderElection.paused')}: A member that is paused never leads, so that the command would never run.`,
    );
}

const alone = (given: GivenSettings): string =>
  `${originOf(given, 'leaderElection.enabled')}: The election is switched off: this member leads alone, whatever others do.`;

const originOf = ({ origins }: GivenSettings, setting: string): string =>
  showOrigin(origins.get(setting) ?? { layer: 'default' });
