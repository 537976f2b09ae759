import type { Context } from 'hono';
import type { ServedMember } from './app-options.ts';
import { isOwnOrigin } from './hosts.ts';
import { refusal } from './problem.ts';
import { type Bearer, bearerToken, type Scope } from './tokens.ts';

/** Whether a request is one to be served at all: by its name, its origin and its token. */

/**
 * Refuses what a foreign page of somebody's browser may have sent: under a name that is not expected, or from a page
 * that was not served here. Programs send no origin.
 */
export function refuseForeign(context: Context, { hosts }: Pick<ServedMember, 'hosts'>): void {
  const asked = new URL(context.req.url).host;
  const authority = context.req.header('host') ?? asked;
  // They differ where a request names its whole address, as to a proxy.
  if (![authority, asked].every((each) => hosts.allows(each)))
    throw refusal(
      'HOST_FOREIGN',
      'This member is not served under that name. Ask for it by an address, or add the name to allowed_hosts.',
    );
  const origin = context.req.header('origin');
  if (origin !== undefined && !isOwnOrigin(origin, authority))
    throw refusal('ORIGIN_FOREIGN', 'Pages of another origin may ask nothing here.');
}

/**
 * Who asks, if it may; null where everybody may.
 *
 * @param scope null: for everybody
 */
export function authorize(
  context: Context,
  scope: Scope | null,
  { tokens, readsNeedToken }: Pick<ServedMember, 'tokens' | 'readsNeedToken'>,
): Bearer | null {
  if (scope === null) return null;
  const given = bearerToken(context.req.header('authorization'));
  const bearer = given === null ? null : tokens.bearerOf(given);
  if (scope === 'read' && !readsNeedToken) return bearer;
  if (tokens.isEmpty)
    throw refusal(
      'FORBIDDEN',
      `No token is configured, so that nobody may do this. Configure one with the scope "${scope}".`,
    );
  if (bearer === null) {
    const error = given === null ? '' : ', error="invalid_token"';
    throw refusal('UNAUTHENTICATED', `This needs a bearer token with the scope "${scope}".`, {
      headers: { 'www-authenticate': `Bearer realm="conclave"${error}` },
    });
  }
  if (bearer.scopes.has(scope)) return bearer;
  throw refusal('FORBIDDEN', `This token does not have the scope "${scope}".`, {
    headers: {
      'www-authenticate': `Bearer realm="conclave", error="insufficient_scope", scope="${scope}"`,
    },
  });
}

const SEALS = {
  'cache-control': 'no-store',
  'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
  'referrer-policy': 'no-referrer',
  'x-content-type-options': 'nosniff',
};

/** An answer that no browser keeps, guesses the type of, or shows in a frame. */
export function sealed(response: Response): Response {
  for (const [name, value] of Object.entries(SEALS)) response.headers.set(name, value);
  return response;
}
