import { ask } from './control-client.ts';
import { removeIfStale, socketsIn } from './control-sockets.ts';
import { placesIn } from './member-places.ts';
import type { MemberStatus } from './member-status.ts';

/** A member of this machine that has a control socket below the same directory. */
export interface LocalMember {
  /** Holder id. */
  readonly member: string;
  readonly socket: string;
  /** Null if it is there but does not answer: frozen, or overloaded. */
  readonly status: MemberStatus | null;
}

/** All members that live, asked at once; tidies up after those that do not. */
export async function liveMembers(directory: string): Promise<LocalMember[]> {
  const asked = socketsIn(placesIn(directory).members).map(async (place) => {
    const { member, socket } = place;
    const answer = await ask<MemberStatus>(socket, 'status');
    if (answer.kind === 'gone') removeIfStale(place);
    if (answer.kind === 'gone') return [];
    return [{ member, socket, status: answer.kind === 'answered' ? answer.result : null }];
  });
  return (await Promise.all(asked)).flat();
}
