import type { Command } from 'commander';
import { placed } from '../config/reload-commentary.ts';
import { type MemberReloads, reloadsOfMembers } from './config-members.ts';
import {
  addStoreOptions,
  type ConfigStoreOptions,
  settingsOfMembers,
  sharedBySettings,
  withHead,
} from './config-store.ts';
import type { AskedSettings } from './given-settings.ts';
import type { ReloadState } from './member-reloads.ts';
import { forPeople } from './member-places.ts';
import { addCommand, EXIT, print, printJson, reportFailure, table } from './output.ts';

export function register(parent: Command): void {
  const command = addCommand(parent, {
    usage: 'status',
    summary: 'show what members share, and how each of them stands',
    description:
      'Shows what members share in a store, with a row for each of them. Where the members of this directory share nothing, shows what each of them runs.',
    examples: [
      ['conclave config status', 'of the members that were started here'],
      ['conclave config status --store redis://localhost --namespace billing', 'of all that share it'],
    ],
    exitCodes: {
      0: 'every member that reported has what is wanted',
      1: 'some have not, or there is nothing',
    },
  });
  addStoreOptions(command).action(async (options: ConfigStoreOptions) => {
    const asked = await settingsOfMembers(options);
    const isNamed = options.store !== undefined || sharedBySettings(asked) !== null;
    const members = isNamed ? [] : await reloadsOfMembers(asked.directory);
    // Members go on by the last good settings, and say what is wrong with the newest; nobody else can.
    if (asked.wrong !== null && members.length === 0) throw asked.wrong;
    const isShared = members.some(({ reloads }) => reloads?.some(({ sharing }) => sharing !== null));
    if (members.length > 0 && !isShared) showMembers(members, options.json === true);
    else await showShared(options, asked);
    if (asked.wrong !== null) process.exitCode = reportFailure(asked.wrong);
  });
}

function showShared(options: ConfigStoreOptions, asked: AskedSettings): Promise<void> {
  return withHead(options, asked, async (calls) => {
    const [{ head }, reports] = [await calls.state(), await calls.reports()];
    const isThere = ({ applied }: (typeof reports)[number]) =>
      applied?.sha === head?.sha && applied?.generation === head?.generation;
    if (head === null || !reports.every(isThere)) process.exitCode = EXIT.failure;
    if (options.json) return printJson({ head: head && { ...head, key: undefined }, members: reports });
    print(
      head
        ? `Generation ${head.generation}, ${head.sha.slice(0, 12)}, token ${head.term}`
        : 'No configuration is shared yet.',
    );
    const refused = reports.flatMap(({ member, notProposed }) =>
      (notProposed?.diagnostics ?? []).map((each) => `${member} does not propose its file: ${placed(each)}`),
    );
    if (refused.length > 0) process.exitCode = EXIT.failure;
    for (const line of refused) print(line);
    const rows = reports.map(({ member, state, generation, applied, diagnostics: [first] }) => [
      member,
      `${state} ${generation}`,
      applied === null ? '-' : `${applied.generation} ${applied.sha.slice(0, 12)}`,
      first ? placed(first) : '',
    ]);
    for (const line of rows.length > 0 ? table([['member', 'state', 'in force', 'problem'], ...rows]) : [])
      print(line);
    return undefined;
  });
}

function showMembers(members: readonly MemberReloads[], json: boolean): void {
  const isGood = ({ reloads }: MemberReloads) =>
    reloads !== null && reloads.length > 0 && reloads.every(isInForce);
  if (!members.every(isGood)) process.exitCode = EXIT.failure;
  if (json) return printJson({ head: null, members });
  const rows = members.flatMap(({ member, reloads }) => {
    if (reloads === null) return [[member, '', 'no answer', '', 'frozen or overloaded']];
    if (reloads.length === 0) return [[member, '', 'nothing to reload', '', 'start it with --config']];
    return reloads.map((each) => [member, ...rowOf(each)]);
  });
  for (const line of table([['member', 'file', 'state', 'in force', 'problem'], ...rows])) print(line);
}

const isInForce = ({ rejected, healthy, generation }: ReloadState): boolean =>
  rejected === null && healthy && generation !== null;

function rowOf({ path, state, generation, sha, rejected, trouble, restart }: ReloadState): string[] {
  const [first] = rejected?.diagnostics ?? [];
  const waits = restart.length === 0 ? '' : `needs a restart: ${restart.join(', ')}`;
  const problem = trouble?.message ?? (first === undefined ? waits : placed(first));
  return [forPeople(path), state, generation === null ? '-' : `${generation} ${sha?.slice(0, 12)}`, problem];
}
