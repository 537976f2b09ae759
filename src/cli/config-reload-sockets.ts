import type { ReloadAnswer, ReloadCommandOptions } from './config-reload.ts';
import { ask } from './control-client.ts';
import { liveMembers, type LocalMember } from './local-members.ts';
import type { ReloadReport } from './member-reloads.ts';

/** Reloads of all members of a directory, asked for over their control sockets, all at once. */
export async function askOverSockets({
  dir,
  resource,
  force,
  wait,
}: ReloadCommandOptions): Promise<readonly ReloadAnswer[]> {
  const members = await liveMembers(dir);
  const wanted = members.filter(({ status }) => resource === undefined || status?.resource === resource);
  return Promise.all(wanted.map((member) => askOne(member, force === true, wait)));
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
