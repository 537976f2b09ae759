/**
 * Tokens as they come over a wire. What decides is the comparison with the highest token that was ever admitted, and
 * that the answer is kept together with the change: a check in front of an unprotected change protects nothing.
 */

/** The name of the HTTP header that carries a token, in decimal. */
export const FENCING_HEADER = 'fencing-token';

/** A token is at most this many digits; what is longer is no token but an attempt to be first for ever. */
const DIGITS_MAX = 30;
const SHOWN_MAX = 40;

/** What to answer: go on with `token`, or an HTTP status and a sentence for whoever asked. */
export type FencingCheck =
  | { readonly admitted: true; readonly token: bigint }
  | { readonly admitted: false; readonly status: 400 | 412 | 428; readonly message: string };

/**
 * A token from text, or null if the text is none.
 *
 * @example
 * parseFencingToken('1763697600123'); // 1763697600123n
 * parseFencingToken('0x10'); // null
 */
export function parseFencingToken(text: string): bigint | null {
  return text.length <= DIGITS_MAX && /^\d+$/.test(text) ? BigInt(text) : null;
}

/**
 * Compares the token of a request with the highest one admitted so far. Keep `token` as the new highest in the same
 * transaction as the change. Throws nothing.
 *
 * @param header What came: the header's value; undefined or null if there was none.
 * @param highest The highest token admitted for this resource so far; 0n for none.
 * @example
 * const check = checkFencingToken(request.headers[FENCING_HEADER], highest);
 * if (!check.admitted) return response.writeHead(check.status).end(check.message);
 */
export function checkFencingToken(
  header: string | readonly string[] | null | undefined,
  highest: bigint,
): FencingCheck {
  if (header === undefined || header === null)
    return refused(428, `This resource wants a fencing token: send the header ${FENCING_HEADER}.`);
  const token = typeof header === 'string' ? parseFencingToken(header) : null;
  if (token === null) {
    const shown = JSON.stringify(header).slice(0, SHOWN_MAX);
    return refused(
      400,
      `${FENCING_HEADER} is ${shown}, but must be one whole number of up to ${DIGITS_MAX} digits.`,
    );
  }
  if (token < highest)
    return refused(412, `Fencing token ${token} is of an earlier term: ${highest} was here. Stop this work.`);
  return { admitted: true, token };
}

const refused = (status: 400 | 412 | 428, message: string): FencingCheck => ({
  admitted: false,
  status,
  message,
});
