import type { Member } from './member.ts';

/** What a member answers over HTTP, as the member that owns it sees it. */
export interface MemberServers {
  /** Null before `listen()`. */
  readonly addresses: { readonly service: string; readonly metrics: string } | null;
  /** @throws SettingsError if a port cannot be had */
  listen(): Promise<void>;
  /** Takes no more work and resolves when what there is has ended, or its time is over. */
  drain(): Promise<void>;
  close(): Promise<void>;
}

/** Makes the servers of a member; null: it serves none. */
export type ServersOf = (member: Member) => MemberServers | null;
