import { StoreUnavailableError } from '../errors.ts';
import { endpointText } from './connection-string-endpoints.ts';
import type { RedisEndpoint } from './settings-shape.ts';

/**
 * Several endpoints without a word on what they are: the servers are asked. They are a cluster, or exactly one of them
 * is a primary and the others are replicas, which nobody may write to.
 */
export type Found =
  | { readonly kind: 'cluster'; readonly told: string }
  | { readonly kind: 'primary'; readonly endpoint: RedisEndpoint; readonly told: string };

/** Answers `INFO` of one server; throws what is worth telling. */
export type AskServer = (endpoint: RedisEndpoint) => Promise<string>;

interface Answer {
  readonly endpoint: RedisEndpoint;
  readonly role: 'cluster' | 'primary' | 'replica' | 'silent';
  /** For people: what this one is. */
  readonly told: string;
  readonly failure?: unknown;
}

/** @throws StoreUnavailableError that says of each endpoint what it is */
export async function probe(endpoints: readonly RedisEndpoint[], ask: AskServer): Promise<Found> {
  const answers = await Promise.all(endpoints.map((endpoint) => question(endpoint, ask)));
  const told = answers.map(({ endpoint, told: what }) => `${endpointText(endpoint)} ${what}`).join(', ');
  if (answers.some(({ role }) => role === 'cluster')) return { kind: 'cluster', told };
  const [primary, another] = answers.filter(({ role }) => role === 'primary');
  if (primary !== undefined && another === undefined)
    return { kind: 'primary', endpoint: primary.endpoint, told };
  const failures = answers.flatMap(({ failure }) => (failure instanceof Error ? [failure] : []));
  const [failure] = failures;
  if (failure !== undefined && failures.length === answers.length) throw failure;
  const problem =
    primary === undefined
      ? 'None of the Redis endpoints is a primary'
      : 'More than one of the Redis endpoints is a primary, so that members would not compete in one place';
  const cure =
    primary === undefined
      ? 'Name the primary, or the Sentinels that know it.'
      : 'Name one of them, or the Sentinels that know which one counts.';
  throw new StoreUnavailableError('STORE_UNAVAILABLE', `${problem}: ${told}. ${cure}`, {
    outcomeUnknown: false,
  });
}

async function question(endpoint: RedisEndpoint, ask: AskServer): Promise<Answer> {
  try {
    const info = await ask(endpoint);
    if (field(info, 'cluster_enabled') === '1')
      return { endpoint, role: 'cluster', told: 'is part of a cluster' };
    if (field(info, 'role') === 'master') return { endpoint, role: 'primary', told: 'is a primary' };
    const primary = `${field(info, 'master_host') ?? '?'}:${field(info, 'master_port') ?? '?'}`;
    return { endpoint, role: 'replica', told: `is a replica of ${primary}` };
  } catch (error) {
    return { endpoint, role: 'silent', told: 'cannot be asked', failure: error };
  }
}

/** One field of what `INFO` says, or null. */
export function field(info: string, name: string): string | null {
  return new RegExp(`^${name}:(.*?)\\r?$`, 'm').exec(info)?.[1] ?? null;
}
