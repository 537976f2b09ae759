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

/** What a member answers: how all stand that share its configuration, itself first; or problem details. */
interface Body {
  readonly detail?: unknown;
  readonly diagnostics?: readonly Diagnostic[];
  readonly instances?: readonly Instance[];
}

interface Instance {
  readonly member: string;
  readonly state: ReloadAnswer['reports'][number]['outcome'];
  readonly applied: { readonly generation: number; readonly sha: string } | null;
  readonly diagnostics: readonly Diagnostic[];
}

function answersFrom(host: string, status: number, text: string): readonly ReloadAnswer[] {
  const failed = (problem: string) => [{ member: host, reports: [], problem }];
  const body = bodyOf(text);
  if (body === null) return failed(`HTTP ${status}, which is no answer of a member`);
  if (status === 200) return (body.instances ?? []).map(answerOf);
  const told = (body.diagnostics ?? []).map((each) => `\n  ${placed(each)}`).join('');
  return failed(`HTTP ${status}: ${String(body.detail)}${told}`);
}

function bodyOf(text: string): Body | null {
  try {
    const body: unknown = text.length <= ANSWER_CHARACTERS_MAX ? JSON.parse(text) : null;
    return typeof body === 'object' && body !== null ? body : null;
  } catch {
    return null;
  }
}

function answerOf({ member, state: outcome, applied, diagnostics }: Instance): ReloadAnswer {
  const { generation = null, sha = null } = applied ?? {};
  const report = {
    what: 'configuration',
    path: '',
    outcome,
    generation,
    sha,
    restart: [],
    diagnostics,
  } as const;
  return { member, reports: [report], problem: null };
}
