import type { Diagnostic } from '../../machines/index.ts';
import { SettingsError } from '../errors.ts';
import { placed } from '../config/reload-commentary.ts';
import { systemClock } from '../runtime/system-clock.ts';
import type { ReloadAnswer, ReloadCommandOptions } from './config-reload.ts';
import { codeOf } from './member-places.ts';

/** A reload asked for over HTTP: of one member, which tells those that share its configuration. */

const ROUTE = '/admin/metadata/reload';
/** A longer answer is none of ours. */
const ANSWER_CHARACTERS_MAX = 1024 * 1024;

/** Answers what each instance made of it. */
export async function askOverHttp(
  { token = process.env['CONCLAVE_TOKEN'], wait, force }: ReloadCommandOptions,
  url: string,
): Promise<readonly ReloadAnswer[]> {
  const place = placeOf(url);
  const patience = new AbortController();
  const timer = systemClock.setTimeout(() => patience.abort(), wait);
  try {
    const response = await fetch(place, {
      method: 'POST',
      headers: {
        'content-type': 'application/json',
        ...(token !== undefined && { authorization: `Bearer ${token}` }),
      },
      body: JSON.stringify({ notifyOtherInstances: true, ...(force === true && { force }) }),
      redirect: 'error',
      signal: patience.signal,
    });
    return answersFrom(place.host, response.status, await response.text());
  } catch (error) {
    const reason = patience.signal.aborted ? `no answer within ${wait} ms` : reasonOf(error);
    return [{ member: place.host, reports: [], problem: reason }];
  } finally {
    systemClock.clearTimeout(timer);
  }
}

function placeOf(url: string): URL {
  const place = URL.canParse(url) ? new URL(ROUTE, url) : null;
  if (place !== null && /^https?:$/.test(place.protocol) && place.username === '') return place;
  throw new SettingsError(
    'SETTINGS_INVALID',
    `--url must be the address of a member without a name or password in it, for example http://web-1:8080.`,
  );
}

function reasonOf(error: unknown): string {
  const cause = error instanceof Error && error.cause !== undefined ? error.cause : error;
  return codeOf(cause);
}

/** What a member answers: what came of it here and elsewhere, or problem details. */
interface Body {
  readonly status?: unknown;
  readonly detail?: unknown;
  readonly generation?: number | null;
  readonly sha?: string | null;
  readonly diagnostics?: readonly Diagnostic[];
  readonly instances?: readonly Instance[];
}

interface Instance {
  readonly id: string;
  readonly state: ReloadAnswer['reports'][number]['outcome'];
  readonly generation: number;
  readonly sha: string;
  readonly diagnostics?: readonly Diagnostic[];
}

function answersFrom(host: string, status: number, text: string): readonly ReloadAnswer[] {
  const body = bodyOf(text);
  if (body === null)
    return [{ member: host, reports: [], problem: `HTTP ${status}, which is no answer of a member` }];
  const { generation = null, sha = null, diagnostics = [], instances = [] } = body;
  if (status !== 200) {
    const told = diagnostics.map((each) => `\n  ${placed(each)}`).join('');
    return [{ member: host, reports: [], problem: `HTTP ${status}: ${String(body.detail)}${told}` }];
  }
  const outcome = body.status as Instance['state'];
  const own = {
    what: 'configuration',
    path: '',
    outcome,
    generation,
    sha,
    restart: [],
    diagnostics,
  } as const;
  return [{ member: host, reports: [own], problem: null }, ...instances.map(answerOf)];
}

function bodyOf(text: string): Body | null {
  try {
    const body: unknown = text.length <= ANSWER_CHARACTERS_MAX ? JSON.parse(text) : null;
    return typeof body === 'object' && body !== null ? body : null;
  } catch {
    return null;
  }
}

function answerOf({ id, state, generation, sha, diagnostics = [] }: Instance): ReloadAnswer {
  const report = {
    what: 'configuration',
    path: '',
    outcome: state,
    generation,
    sha,
    restart: [],
    diagnostics,
  } as const;
  return { member: id, reports: [report], problem: null };
}
