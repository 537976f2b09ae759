/**
 * How a member is, as operators and load balancers ask it. Three questions with three answers:
 *
 * - health, for people and alerts: is everything as it should be? A leader is Healthy, a follower Degraded (or Healthy,
 *   if that is set), whatever keeps a member from its task is Unhealthy and says why;
 * - readiness, for traffic: has it started, has it a configuration, is it not going away? Neither who leads nor the store
 *   counts: a roll-out that waits for readiness would otherwise wait for the member it replaces;
 * - liveness, for restarts: would a restart help? Only if a chart stopped moving, or a leader outlived its lease.
 */
export type HealthStatus = 'Healthy' | 'Degraded' | 'Unhealthy';

/** How one part of a member is. */
export interface HealthResult {
  readonly status: HealthStatus;
  readonly description: string;
  /** Why it is not as it should be: the code and the message of an error, never a stack. */
  readonly exception?: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** What `GET /health` answers. */
export interface HealthReport {
  /** The worst of the results. */
  readonly status: HealthStatus;
  readonly results: Readonly<Record<string, HealthResult>>;
}

const ORDER: readonly HealthStatus[] = ['Healthy', 'Degraded', 'Unhealthy'];

/** Puts results together. */
export function healthReport(results: Readonly<Record<string, HealthResult>>): HealthReport {
  const worst = Math.max(0, ...Object.values(results).map(({ status }) => ORDER.indexOf(status)));
  return { status: ORDER[worst] ?? 'Unhealthy', results };
}

/** An error as it may be told. */
export function exceptionOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  const code = 'code' in error && typeof error.code === 'string' ? `${error.code}: ` : '';
  return `${code}${error.message}`;
}

/** The state of a chart as one word: `leader.held`. */
export function stateName(value: unknown): string {
  if (typeof value === 'string') return value;
  return Object.entries(value as Record<string, unknown>)
    .map(([state, inner]) => `${state}.${stateName(inner)}`)
    .join('+');
}
