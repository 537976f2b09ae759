import { configurationHealth } from '../observability/health-configuration.ts';
import { ElectionHealth } from '../observability/health-election.ts';
import { ElectionLiveness } from '../observability/health-liveness.ts';
import { type HealthResult, healthReport } from '../observability/health.ts';
import type { ServedMember } from './app-options.ts';
import { json, type Route } from './routes.ts';

/** How the member is: `src/observability/health.ts` says what each of the three answers means. */
export function healthRoutes(member: ServedMember): readonly Route[] {
  const { election, config, followerStatus, clock } = member;
  const electionHealth = election && new ElectionHealth(election, followerStatus, clock);
  const liveness = election && new ElectionLiveness(election, clock);

  const health = async () => {
    const results: Record<string, HealthResult> = {};
    if (electionHealth !== null) results['leader_election'] = await electionHealth.check();
    if (config !== null) results['configuration'] = configurationHealth(config.status());
    const report = healthReport(results);
    return json(report, report.status === 'Unhealthy' ? 503 : 200);
  };

  const ready = () => {
    const reasons = unreadiness(member);
    return json(
      { status: reasons.length === 0 ? 'Ready' : 'NotReady', reasons },
      reasons.length === 0 ? 200 : 503,
    );
  };

  const live = async () => {
    const reasons = [await liveness?.problem()].filter((each) => typeof each === 'string');
    if (config?.actor.getSnapshot().status === 'error')
      reasons.push('The reload of the configuration failed and does nothing any more.');
    return json(
      { status: reasons.length === 0 ? 'Alive' : 'Dead', reasons },
      reasons.length === 0 ? 200 : 503,
    );
  };

  const probe = { method: 'GET', scope: null, isProbe: true } as const;
  return [
    { method: 'GET', path: '/health', scope: null, serve: health },
    { ...probe, path: '/health/ready', serve: ready },
    { ...probe, path: '/readyz', serve: ready },
    { ...probe, path: '/health/live', serve: live },
    { ...probe, path: '/livez', serve: live },
  ];
}

/** Why the member should get no traffic; neither who leads nor the store is a reason. */
function unreadiness({ election, config, lifecycle }: ServedMember): readonly string[] {
  const reasons: string[] = [];
  if (lifecycle.isDraining) reasons.push('It is going away.');
  if (election !== null && !election.isRunning) reasons.push('The election does not run.');
  if (config !== null && config.status().generation === null) reasons.push('No configuration is in force.');
  return reasons;
}
