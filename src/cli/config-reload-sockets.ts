import type { ReloadAnswer, ReloadCommandOptions } from './config-reload.ts';
import { ask } from './control-client.ts';
import { liveMembers, type LocalMember } from './local-members.ts';
import type { ReloadReport } from './member-reloads.ts';

/**
 * Reloads of all members of a directory, asked for over their control sockets. Who leads is asked first: its file says
 * which configuration is wanted, and a member that looked before that would answer that nothing is new.
 */
export async function askOverSockets(
  { resource, force, wait }: ReloadCommandOptions,
  directory: string,
): Promise<readonly ReloadAnswer[]> {
  const living = await liveMembers(directory);
  const wanted = living.filter(({ status }) => resource === undefined || status?.resource === resource);
  const asked = (members: readonly LocalMember[]) =>
    Promise.all(members.map((member) => askOne(member, force === true, wait)));
  const leads = ({ status }: LocalMember) => status?.role === 'leader';
  const first = await asked(wanted.filter(leads));
  return [...first, ...(await asked(wanted.filter((member) => !leads(member))))];
}

async function askOne(
  { member, socket }: LocalMember,
  force: boolean,
  waitMs: number,
): Promise<ReloadAnswer> {
  const answer = await ask<readonly ReloadReport[]>(socket, 'reload', waitMs, { force });
  const failed = (problem: string) => ({ member, reports: [], problem });
  if (answer.kind === 'answered') return { member, reports: answer.result, problem: null };
  return failed(answer.kind === 'gone' ? 'ended meanwhile' : answer.message);
}
