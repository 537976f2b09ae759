import { UsageError } from '../../errors.ts';
import type { Cluster } from './cluster.ts';
import { Controls } from './controls.ts';
import type { Failover } from './faults.ts';
import type { DemoJournals } from './journals.ts';
import { configurationOf } from './reloads.ts';
import type { SharedFile } from './shared-file.ts';
import type { Stage } from './stage.ts';
import { DemoWeb } from './web.ts';
import { type WebConfiguration, webFailover, webMembers, type WebState } from './web-state.ts';

/** Who watches in a browser, and may act there unless a scenario does. */

export interface AudienceOptions {
  readonly cluster: Cluster;
  readonly file: SharedFile;
  readonly journals: DemoJournals;
  readonly stage: Stage;
  readonly mayAct: boolean;
  readonly port: number | undefined;
  /** Everything that any failover cost so far, those of the browser included. */
  readonly failovers: readonly Failover[];
  /** Of a failover that somebody in the browser caused: whether it may be judged. */
  readonly onFailover: (failover: Failover, undisturbed: boolean) => void;
}

export function openAudience(options: AudienceOptions): Promise<DemoWeb> {
  const { cluster, file, journals, stage, mayAct, port, failovers, onFailover } = options;
  const controls = new Controls(cluster, {
    onAct: (act, member, leads) => stage.tell(`──▶ ${member}${leads ? ', the leader' : ''}: ${act}`),
    onFailover: (failover, undisturbed) => {
      onFailover(failover, undisturbed);
      stage.afterFault(failover);
    },
  });
  const state = (): WebState => ({
    members: webMembers(cluster, mayAct),
    leaseMs: cluster.options.leaseMs,
    failovers: failovers.map(webFailover),
    story: stage.lines,
    journals: journals.names,
    mayAct,
    configuration: webConfiguration(cluster, file),
  });
  return DemoWeb.open({
    journals,
    state,
    port,
    act: async (member, act) => {
      if (mayAct) return await controls.act(member, act);
      throw new UsageError('SETTINGS_INVALID', 'A scenario runs: it does what is done to members.');
    },
    configure: mayAct
      ? (text) => {
          file.write(text);
          stage.tell('──▶ the shared configuration is saved');
          return Promise.resolve();
        }
      : null,
  });
}

function webConfiguration(cluster: Cluster, file: SharedFile): WebConfiguration {
  const members = cluster.members
    .filter(({ exit }) => exit === null)
    .map((member) => {
      const summary = configurationOf(member);
      const inForce = summary?.sha === null ? undefined : summary;
      const told =
        summary === null || inForce === undefined
          ? 'none in force yet'
          : `generation ${String(summary.generation)} (${(summary.sha ?? '').slice(0, 7)})${member.refusal === null ? '' : `; refused what is saved: ${member.refusal}`}`;
      return { name: member.name, told, inForce: inForce !== undefined };
    });
  return { text: file.text, members };
}
