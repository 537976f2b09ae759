import type { Context } from 'hono';
import type { MemberReport } from '../config/head.ts';
import type { ProposedContent } from '../config/proposal.ts';
import { ConfigError } from '../errors.ts';
import type { RollbackOutcome, SharedOutcome } from '../config/reload-outcomes.ts';
import type { Clock } from '../runtime/clock.ts';
import type { ServedConfig } from './app-options.ts';
import { fieldsOf, formatOf, textOf } from './body.ts';
import { changed, etagOf, expectedBy } from './etag.ts';
import { RETRY_AFTER_SECONDS, refusal } from './problem.ts';
import { json, type Route } from './routes.ts';
import type { Bearer } from './tokens.ts';

/**
 * What changes the configuration. An answer of 200 means that what was asked for is in force on this member; anything
 * else is a problem that says what is in force instead, and why.
 */

/** How long an outcome is waited for, in milliseconds. */
export const OUTCOME_MS = 30_000;

export function configCommands(config: ServedConfig, clock: Clock): readonly Route[] {
  return [
    { method: 'PUT', path: '/v1/config', scope: 'write', serve: (...asked) => put(config, clock, ...asked) },
    // What is asked about may refer to secrets of this member: only who may have it applied may try it.
    { method: 'POST', path: '/v1/config/validate', scope: 'write', serve: (each) => validate(config, each) },
    {
      method: 'POST',
      path: '/v1/config/reload',
      scope: 'reload',
      serve: async (context) => {
        const { force = false } = await fieldsOf(context, { force: 'boolean' });
        return answer(config, await inTime(clock, config.reload({ force })));
      },
    },
    {
      method: 'POST',
      path: '/v1/config/rollback',
      scope: 'write',
      serve: async (context) => {
        const { to } = await fieldsOf(context, { to: 'generation' });
        return answer(config, await inTime(clock, config.rollback(to === undefined ? {} : { to })));
      },
    },
    {
      method: 'POST',
      path: '/admin/metadata/reload',
      scope: 'reload',
      serve: (context) => reloadAll(config, clock, context),
    },
  ];
}

async function put(
  config: ServedConfig,
  clock: Clock,
  context: Context,
  bearer: Bearer | null,
): Promise<Response> {
  const expected = expectedBy(context, config.status().shared?.head ?? null);
  const content = await contentOf(context);
  const who = `${config.memberId} (http: ${bearer?.name ?? 'nobody'})`;
  const options = { who, why: 'proposed over HTTP', ...(expected !== undefined && { expected }) };
  const proposed = await inTime(clock, config.propose(content, options)).catch((error: unknown) => {
    const isConflict = error instanceof ConfigError && error.code === 'CONFIG_CONFLICT';
    throw isConflict ? changed(error.message) : error;
  });
  const headers = proposed === null ? {} : { etag: etagOf(proposed) };
  return answer(config, proposed?.outcome ?? null, { headers });
}

async function validate(config: ServedConfig, context: Context): Promise<Response> {
  const check = await config.validate(await contentOf(context));
  const { sha } = check;
  if (check.kind === 'accepted')
    return json({ valid: true, sha, differences: check.differences, omitted: check.omitted });
  throw refusal('CONFIG_REFUSED', 'This configuration would be refused.', {
    more: { valid: false, sha, diagnostics: check.diagnostics },
  });
}

async function contentOf(context: Context): Promise<ProposedContent> {
  const format = formatOf(context);
  const text = await textOf(context);
  return { files: [{ text, ...(format !== null && { name: `config.${format}` }) }] };
}

/** Reloads here and has the others look; counts those that say they have. */
async function reloadAll(config: ServedConfig, clock: Clock, context: Context): Promise<Response> {
  const fields = await fieldsOf(context, { notifyOtherInstances: 'boolean', force: 'boolean' });
  const { notifyOtherInstances: notifyOthers = true, force = false } = fields;
  const outcome = await inTime(clock, config.reload({ notifyOthers, force }));
  const others = outcome?.others ?? [];
  const more = {
    timestamp: new Date(clock.wallMs()).toISOString(),
    instancesNotified: others.length,
    instances: [itself(config), ...others.map(instanceOf)],
  };
  return answer(config, outcome, { more });
}

function itself(config: ServedConfig) {
  const { memberId: member, generation, sha, rejected } = config.status();
  const applied = generation === null || sha === null ? null : { generation, sha };
  const state = rejected === null ? 'applied' : 'rejected';
  return { member, state, generation, sha, applied, diagnostics: rejected?.diagnostics ?? [] };
}

function instanceOf({ member, state, generation, sha, applied, diagnostics }: MemberReport) {
  const inForce = applied && { generation: applied.generation, sha: applied.sha };
  return { member, state, generation, sha, applied: inForce, diagnostics };
}

/** Outcomes after which what was asked for is in force. */
const IN_FORCE: ReadonlySet<string> = new Set(['applied', 'unchanged', 'adopted', 'rolledBack']);

function answer(
  config: ServedConfig,
  outcome: SharedOutcome | RollbackOutcome | null,
  {
    headers = {},
    more = {},
  }: {
    readonly headers?: Readonly<Record<string, string>>;
    readonly more?: Readonly<Record<string, unknown>>;
  } = {},
): Response {
  const { generation, sha } = config.status();
  const inForce = { generation, sha };
  if (outcome === null)
    throw refusal(
      'OUTCOME_UNKNOWN',
      `It was accepted, but this member has not come to an end with it within ${OUTCOME_MS / 1000} s. GET /v1/config/status tells how all members stand.`,
      { more: { in_force: inForce, ...more } },
    );
  if (IN_FORCE.has(outcome.type)) {
    const keys = 'changed' in outcome ? { changed: outcome.changed } : {};
    return json({ status: outcome.type, ...inForce, ...keys, ...more }, 200, headers);
  }
  throw problemOfOutcome(outcome, { in_force: inForce, ...more });
}

function problemOfOutcome(outcome: SharedOutcome | RollbackOutcome, told: object) {
  const more = { outcome: outcome.type, ...told };
  const headers = { 'retry-after': String(RETRY_AFTER_SECONDS) };
  switch (outcome.type) {
    case 'rejected': {
      const { diagnostics, stage, generation, sha, transient } = outcome;
      const detail = `It was rejected while ${stage}; what was in force before stays in force.`;
      const all = { ...more, stage, generation, sha, diagnostics };
      if (transient) return refusal('CONFIG_UNAVAILABLE', detail, { headers, more: all });
      return refusal('CONFIG_REFUSED', detail, { more: all });
    }
    case 'waitingForFile': {
      const { generation, sha } = outcome;
      const detail =
        'This member waits for a file that holds what is wanted; what was in force stays in force.';
      return refusal('CONFIG_WAITING', detail, { headers, more: { ...more, generation, sha } });
    }
    case 'unhealthy': {
      const detail = `This member is in trouble: ${outcome.message}`;
      return refusal('CONFIG_TROUBLE', detail, { more: { ...more, half_done: outcome.halfDone } });
    }
    default:
      return refusal('CONFIG_SUPERSEDED', 'Something newer took its place. Look at it, then try again.', {
        more,
      });
  }
}

/** Null: it has not ended yet. */
async function inTime<T>(clock: Clock, outcome: Promise<T>): Promise<T | null> {
  const late = Promise.withResolvers<null>();
  const timer = clock.setTimeout(() => late.resolve(null), OUTCOME_MS);
  // Nobody waits for it any more once it is late.
  outcome.catch(() => {});
  try {
    return await Promise.race([outcome, late.promise]);
  } finally {
    clock.clearTimeout(timer);
  }
}
