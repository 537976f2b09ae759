import { isIP } from 'node:net';
import { z } from 'zod';
import { looksSecret } from '../config/redact-names.ts';
import { durationMs, sizeBytes } from './duration-reading.ts';
import { Secret } from './secret.ts';
import {
  CONFIGURATION_MODES,
  type EnvironmentName,
  ENVIRONMENTS,
  LOG_LEVELS,
  type LogLevel,
  SCOPES,
  type TokenSettings,
} from './settings.ts';

/**
 * What may stand for a setting, and what is made of it. From the environment and from flags everything comes as text,
 * so that each kind takes its text, too. Messages never repeat a text that stands where a value stands.
 */

export interface Kind<T = unknown> {
  readonly schema: z.ZodType<T>;
  /** What to write, for messages and for the page: `a number of seconds`. */
  readonly says: string;
  /** An example of a value, as it stands in a file. */
  readonly example: unknown;
  /** Whether values of this kind may hold a secret. */
  readonly secret?: true;
}

/** Null where nothing was said. */
export interface Retention {
  readonly bytes: number | null;
  readonly ms: number | null;
}

const TEXT_MAX_LENGTH = 4096;
const NAME_MAX_LENGTH = 200;
/** Timers wait no longer. */
const WAIT_MAX_MS = 2 ** 31 - 1;

const must = (says: string) => ({ error: `It must be ${says}.` });

const printableText = /^[^\p{Cc}]*$/u;

function textOf(says: string, lengthMax = TEXT_MAX_LENGTH) {
  return z
    .string(must(says))
    .trim()
    .min(1, must(says))
    .max(lengthMax, must(says))
    .regex(printableText, must(says));
}

/** A number, or its text. */
function numberOf(says: string, { min, max, whole }: { min: number; max: number; whole: boolean }) {
  const fromText = z
    .string()
    .trim()
    .regex(/^\d{1,15}(\.\d{1,9})?$/)
    .transform(Number);
  const number = z
    .union([z.number(), fromText], must(says))
    .pipe(z.number().min(min, must(says)).max(max, must(says)));
  return whole ? number.pipe(z.int(must(says))) : number;
}

function kind<T>(says: string, schema: z.ZodType<T>, example: unknown): Kind<T> {
  return { schema, says, example };
}

/** As `textOf`; what has a password in it stands in the wrong place, and would be shown. */
function plainTextOf(says: string, lengthMax?: number) {
  const error = `This looks like a secret, such as a connection string with a password; it must be ${says}.`;
  return textOf(says, lengthMax).refine((text) => !looksSecret(text), { error });
}

const name = `a name of 1 to ${NAME_MAX_LENGTH} characters`;
export const NAME = kind(name, plainTextOf(name, NAME_MAX_LENGTH), 'billing');

const address = 'an address or a host name without a port';
export const ADDRESS = kind(
  address,
  z
    .string(must(address))
    .trim()
    .refine((text) => isIP(text) !== 0 || /^[A-Za-z0-9][A-Za-z0-9.-]{0,252}$/.test(text), must(address)),
  '0.0.0.0',
);

export const TEXT = kind('a text', plainTextOf(`a text of at most ${TEXT_MAX_LENGTH} characters`), 'text');

export const PATH = kind('a path', plainTextOf('a path'), 'data');

const seconds = 'a number of seconds, for example 15';
export const SECONDS = kind(
  seconds,
  numberOf(seconds, { min: 0, max: WAIT_MAX_MS / 1000, whole: false }).transform((n) => Math.round(n * 1000)),
  7,
);

const milliseconds = 'a whole number of milliseconds, for example 500';
export const MILLISECONDS = kind(
  milliseconds,
  numberOf(milliseconds, { min: 0, max: WAIT_MAX_MS, whole: true }),
  700,
);

const duration = 'a number and a unit (ms, s, m, h, d), for example 500ms, 15s, 2m or 1h30m';
export const DURATION: Kind<number> = kind(
  duration,
  z.string({ error: `Which unit? It must be ${duration}.` }).transform((text, context) => {
    const ms = durationMs(text);
    if (ms !== null && ms <= WAIT_MAX_MS) return ms;
    const which = /^[\s\d.]+$/.test(text) ? 'Which unit? ' : '';
    context.addIssue({ code: 'custom', message: `${which}It must be ${duration}.` });
    return z.NEVER;
  }),
  '7s',
);

const yesOrNo = 'true or false';
export const BOOLEAN = kind(
  yesOrNo,
  z.union(
    [
      z.boolean(),
      z
        .string()
        .trim()
        .toLowerCase()
        .pipe(z.enum(['true', 'false', '1', '0', 'yes', 'no', 'on', 'off']))
        .transform((text) => ['true', '1', 'yes', 'on'].includes(text)),
    ],
    must(yesOrNo),
  ),
  true,
);

const port = 'a port from 0 (any that is free) to 65535';
export const PORT = kind(port, numberOf(port, { min: 0, max: 65_535, whole: true }), 9090);

const redisPort = 'a port from 1 to 65535';
export const REDIS_PORT = kind(redisPort, numberOf(redisPort, { min: 1, max: 65_535, whole: true }), 6380);

const count = 'a whole number, 0 or more';
export const COUNT = kind(count, numberOf(count, { min: 0, max: 1_000_000, whole: true }), 2);

function choice<const T extends readonly [string, ...string[]]>(
  choices: T,
  example: T[number],
): Kind<T[number]> {
  const says = `one of ${choices.join(', ')}`;
  return kind(
    says,
    z
      .string(must(says))
      .trim()
      .toLowerCase()
      .pipe(z.enum(choices, must(says))),
    example,
  );
}

const environment = choice(ENVIRONMENTS, 'staging');
/** `high_load` is another spelling. */
export const ENVIRONMENT: Kind<EnvironmentName> = {
  ...environment,
  schema: z.preprocess(
    (given) => (typeof given === 'string' ? given.replaceAll('_', '-') : given),
    environment.schema,
  ),
};

/** What other programs call the levels. */
const LEVELS_ELSEWHERE: Readonly<Record<string, LogLevel>> = {
  trace: 'debug',
  information: 'info',
  warning: 'warn',
  critical: 'error',
  fatal: 'error',
};
const level = choice(LOG_LEVELS, 'warn');
export const LOG_LEVEL: Kind<LogLevel> = {
  ...level,
  schema: z.preprocess((given) => {
    const known = typeof given === 'string' ? given.trim().toLowerCase() : '';
    return Object.hasOwn(LEVELS_ELSEWHERE, known) ? LEVELS_ELSEWHERE[known] : given;
  }, level.schema),
};
export const MODE = choice(CONFIGURATION_MODES, 'file');
export const FOLLOWER_STATUS = choice(['degraded', 'healthy'], 'healthy');
export const ON_FAILURE = choice(['continue', 'stop'], 'stop');

const prefix = 'letters, digits and single _ between them, beginning with a letter';
export const METRIC_PREFIX = kind(
  prefix,
  z.string(must(prefix)).regex(/^[A-Za-z](?:_?[A-Za-z0-9]){0,63}$/, must(prefix)),
  'honua',
);

const LIST_MAX_LENGTH = 100;

/** Numbered keys, as the environment has them (`…__0__…`), and a block that is there once, as lists. */
function asList(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) return value;
  const keys = Object.keys(value);
  const isNumbered = keys.length > 0 && keys.every((key) => /^\d{1,3}$/.test(key));
  return isNumbered ? Object.values(value) : [value];
}

const hosts = 'a list of host names, or one text with commas between them';
export const HOSTS = kind(
  hosts,
  z.preprocess(
    asList,
    z.union([z.array(z.string()), z.string().transform((text) => text.split(','))], must(hosts)).pipe(
      z
        .array(
          z
            .string()
            .trim()
            .toLowerCase()
            .regex(/^[\p{L}\p{N}._:[\]*-]{1,255}$/u, must(hosts)),
        )
        .max(LIST_MAX_LENGTH, must(hosts)),
    ),
  ),
  ['conclave.internal'],
);

const retention = 'a size, an age or both, for example 64MiB, 14d or "64MiB / 14d"';
export const RETENTION: Kind<Retention> = kind(
  retention,
  z.string(must(retention)).transform((text, context) => {
    const parts = text.split(/[/,]/).map((part) => part.trim());
    const sizes = parts.map(sizeBytes).filter((each) => each !== null);
    const ages = parts.map(durationMs).filter((each) => each !== null);
    const [bytes = null, secondSize] = sizes;
    const [ms = null, secondAge] = ages;
    const isClear =
      sizes.length + ages.length === parts.length && secondSize === undefined && secondAge === undefined;
    if (isClear && bytes !== 0 && ms !== 0) return { bytes, ms };
    context.addIssue({ code: 'custom', message: `It must be ${retention}.` });
    return z.NEVER;
  }),
  '1MiB / 1d',
);

const connection = 'a Redis connection string such as redis://host:6379';
export const CONNECTION: Kind<string> = {
  ...kind(connection, textOf(connection), 'redis://redis.internal:6379'),
  secret: true,
};

const inspector = 'the address of an inspector, or true';
export const INSPECTOR: Kind<string | true> = kind(
  inspector,
  z
    .union([z.literal(true), plainTextOf(inspector)], must(inspector))
    .transform((given) => (given === 'true' ? true : given)),
  'ws://127.0.0.1:9000',
);

const store = 'sqlite:PATH, memory, or a Redis connection string such as redis://host:6379';
export const STORE: Kind<string> = { ...kind(store, textOf(store), 'sqlite:leases.db'), secret: true };

const password = 'a text, best by env("…") or secret("…")';
const oneLine = 'There is a line break in it. If it comes out of a file, write trimspace(file("…")).';
export const PASSWORD: Kind<string> = {
  ...kind(
    password,
    z
      .string(must(password))
      .min(1, must(password))
      .max(TEXT_MAX_LENGTH, must(password))
      .regex(printableText, { error: oneLine }),
    'pass-word',
  ),
  secret: true,
};

/** As the server asks for; a test holds the two equal. */
export const TOKEN_LENGTH_MIN = 16;
const token = `a text of ${TOKEN_LENGTH_MIN} characters or more without spaces, best by env("…") or secret("…")`;
const tokens = 'a list of { token = …, scopes = […] }';
const scopes = `a list of ${SCOPES.join(', ')}`;
export const TOKENS: Kind<readonly TokenSettings[]> = {
  ...kind(
    tokens,
    z.preprocess(
      asList,
      z
        .array(
          z.strictObject({
            token: z
              .string(must(token))
              .regex(/^[^\r\n]*$/, { error: oneLine, abort: true })
              .regex(/^[!-~]+$/, must(token))
              .min(TOKEN_LENGTH_MIN, must(token))
              .max(TEXT_MAX_LENGTH, must(token))
              .transform((text) => new Secret(text)),
            scopes: z.preprocess(
              (given) => (typeof given === 'string' ? given.split(',') : asList(given)),
              z
                .array(
                  z
                    .string(must(scopes))
                    .trim()
                    .pipe(z.enum(SCOPES, must(scopes))),
                  must(scopes),
                )
                .min(1, must(scopes)),
            ),
          }),
          must(tokens),
        )
        .max(LIST_MAX_LENGTH, must(tokens)),
    ),
    [{ token: 'a-token-for-tests', scopes: ['read', 'reload'] }],
  ),
  secret: true,
};
