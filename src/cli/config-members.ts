import { ask } from './control-client.ts';
import { liveMembers } from './local-members.ts';
import type { ReloadState } from './member-reloads.ts';
import type { Sharing } from './member-settings.ts';

/** What members of this host say of what they reload. */

export interface MemberReloads {
  readonly member: string;
  /** Null: it does not answer. */
  readonly reloads: readonly ReloadState[] | null;
}

export async function reloadsOfMembers(directory: string): Promise<readonly MemberReloads[]> {
  const members = await liveMembers(directory);
  return Promise.all(
    members.map(async ({ member, socket }) => {
      const answer = await ask<readonly ReloadState[]>(socket, 'config');
      return { member, reloads: answer.kind === 'answered' ? answer.result : null };
    }),
  );
}

/** Every place where one of them shares a configuration, each once; only those of a namespace, if one is given. */
export async function sharedByMembers(
  directory: string,
  namespace?: string,
): Promise<readonly Pick<Sharing, 'store' | 'namespace'>[]> {
  const members = await reloadsOfMembers(directory);
  const places = new Map<string, Pick<Sharing, 'store' | 'namespace'>>();
  for (const { sharing } of members.flatMap(({ reloads }) => reloads ?? []))
    if (sharing !== null && (namespace ?? sharing.namespace) === sharing.namespace)
      places.set(`${sharing.namespace} ${sharing.store}`, sharing);
  return [...places.values()];
}
