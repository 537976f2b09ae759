import { VERSION } from '../runtime/identity.ts';
import { formatDuration } from './duration.ts';
import { storeName, storePath } from './lease-stores.ts';
import { forPeople } from './member-places.ts';
import type { ReloadPlan } from './member-settings.ts';
import type { Member } from './member.ts';
import { print, printJson } from './output.ts';

/** What a member says of itself once it runs: where its things are, and where it answers. */
export function announce(member: Member, json: boolean): void {
  const { resource, journal, name } = member.settings;
  const store = storeName(member.settings.store);
  const { leaseMs, renewIntervalMs, graceMs } = member.election.actor.getSnapshot().context.timings;
  const { candidateId } = member.election;
  const { socket } = member.socket;
  const http = member.addresses;
  const plans = member.reloads.map(({ plan }) => plan);
  if (json) {
    const timings = { leaseMs, renewIntervalMs, graceMs };
    const configuration = plans.map(({ name: what, path, sharing }) => ({
      what,
      path,
      mode: sharing?.mode ?? 'local',
    }));
    const told = { member: candidateId, name, resource, pid: process.pid, store, journal, socket, http };
    return printJson({ type: 'up', version: VERSION, ...told, timings, configuration });
  }
  const path = storePath(store);
  print(`conclave ${VERSION}: member ${candidateId} of "${resource}", pid ${process.pid}`);
  if (http !== null) print(`  http     ${http.service} (metrics at ${http.metrics})`);
  print(`  store    ${path === null ? store : `${forPeople(path)} (embedded: for processes of this host)`}`);
  print(`  journal  ${journal === null ? 'in memory' : forPeople(journal)}`);
  print(`  control  ${forPeople(socket)}`);
  for (const plan of plans) print(`  ${plan.name === 'settings' ? 'settings' : 'config  '} ${shown(plan)}`);
  const grace = graceMs === 0 ? '' : `, grace ${formatDuration(graceMs)}`;
  print(`  lease    ${formatDuration(leaseMs)}, renewed every ${formatDuration(renewIntervalMs)}${grace}`);
}

function shown({ path, sharing, options }: ReloadPlan): string {
  const how = options.watch === false ? 'reloaded when asked to' : 'followed';
  const where = sharing === null ? '' : `, shared as "${sharing.namespace}" (mode ${sharing.mode})`;
  return `${forPeople(path)} (${how}${where})`;
}
