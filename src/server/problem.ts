import { STATUS_CODES } from 'node:http';
import { ConclaveError, ConfigError, type ErrorCode } from '../errors.ts';

/**
 * What is answered instead of what was asked for: problem details (RFC 9457). A problem never holds a stack, a path of
 * this host or a secret: it is made of our own words, or of the messages of our own errors, which are made to be shown.
 */
export interface Problem {
  readonly status: number;
  /** What happened, with which values, and what to do. */
  readonly detail: string;
  /** Stable, for programs: one of the error table, or of `HTTP_PROBLEMS`. */
  readonly code: string;
  readonly headers?: Readonly<Record<string, string>>;
  /** More members of the document. */
  readonly more?: Readonly<Record<string, unknown>>;
}

/** Thrown by whatever finds that a request cannot be served. */
export class Refusal extends Error {
  readonly problem: Problem;
  constructor(problem: Problem) {
    super(problem.detail);
    this.name = 'Refusal';
    this.problem = problem;
  }
}

/** Problems of the transport, beside the codes of the error table. */
export const HTTP_PROBLEMS = {
  MALFORMED: 400,
  UNAUTHENTICATED: 401,
  FORBIDDEN: 403,
  ORIGIN_FOREIGN: 403,
  NOT_LEADER: 409,
  NOT_FOUND: 404,
  METHOD_NOT_ALLOWED: 405,
  REQUEST_TIMEOUT: 408,
  CONFIG_SUPERSEDED: 409,
  BODY_TOO_LARGE: 413,
  MEDIA_TYPE: 415,
  EXPECTATION: 417,
  CONFIG_CHANGED: 412,
  HOST_FOREIGN: 421,
  CONFIG_REFUSED: 422,
  PRECONDITION_REQUIRED: 428,
  HEADERS_TOO_LARGE: 431,
  INTERNAL: 500,
  CONFIG_TROUBLE: 500,
  CONFIG_NOT_READY: 503,
  CONFIG_UNAVAILABLE: 503,
  CONFIG_WAITING: 503,
  TOO_MANY_STREAMS: 503,
  OUTCOME_UNKNOWN: 504,
} as const;

export type HttpProblem = keyof typeof HTTP_PROBLEMS;

export function refusal(
  code: HttpProblem,
  detail: string,
  rest: Pick<Problem, 'headers' | 'more'> = {},
): Refusal {
  return new Refusal({ status: HTTP_PROBLEMS[code], code, detail, ...rest });
}

/** Where an error of the table has a status of its own; the rest follows from what a caller can do about it. */
const STATUSES: Partial<Readonly<Record<ErrorCode, number>>> = {
  CONFIG_INVALID: 422,
  CONFIG_NOT_FOUND: 404,
  CONFIG_CONFLICT: 409,
  CONFIG_READ_ONLY: 409,
  CONFIG_NOT_READY: 503,
  CONFIG_STOPPED: 503,
  NOT_LEADER: 409,
  LEASE_LOST: 409,
  ELECTION_NOT_STARTED: 503,
  ELECTION_STOPPED: 503,
  STORE_CLOSED: 503,
};

/** Seconds after which asking again may help. */
export const RETRY_AFTER_SECONDS = 2;

/** What to answer for anything that was thrown; null: nothing that may be told. */
export function problemOf(error: unknown): Problem | null {
  if (error instanceof Refusal) return error.problem;
  if (!(error instanceof ConclaveError)) return null;
  const { code, message, cure } = error;
  const isTransient = 'outcomeUnknown' in error;
  const status = STATUSES[code] ?? (isTransient ? 503 : null);
  if (status === null) return null;
  const diagnostics = error instanceof ConfigError ? error.diagnostics : [];
  return {
    status,
    code,
    detail: message,
    ...(status === 503 && { headers: { 'retry-after': String(RETRY_AFTER_SECONDS) } }),
    more: { cure, ...(diagnostics.length > 0 && { diagnostics }) },
  };
}

export const INTERNAL: Problem = {
  status: 500,
  code: 'INTERNAL',
  detail: 'This member failed to answer. Its log says why.',
};

export const PROBLEM_TYPE = 'application/problem+json';

/** The document, as text. */
export function problemText({ status, code, detail, more }: Problem): string {
  const title = STATUS_CODES[status] ?? 'Problem';
  return `${JSON.stringify({ type: `urn:conclave:problem:${code}`, title, status, code, detail, ...more })}\n`;
}

export function problemResponse(problem: Problem): Response {
  return new Response(problemText(problem), {
    status: problem.status,
    headers: { ...problem.headers, 'content-type': PROBLEM_TYPE },
  });
}
