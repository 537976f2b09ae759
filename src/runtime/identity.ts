import { readFileSync, readlinkSync } from 'node:fs';
import { createRequire } from 'node:module';
import { hostname } from 'node:os';
import type { Randomness } from './randomness.ts';
import { systemRandomness } from './system-randomness.ts';

/**
 * Who writes: names for a boot of a host, an incarnation of a process, a candidate. None of them is ever used twice:
 * an equal name must never be taken as "mine" by a process that started later.
 */

/** This package's version, as records carry it. Held equal to package.json by a test. */
export const VERSION = '0.1.0';

let runtime: string | undefined;

/** Package and xstate version, for example `conclave@0.1.0 xstate@5.33.3`. */
export function runtimeVersion(): string {
  runtime ??= `conclave@${VERSION} xstate@${xstateVersion()}`;
  return runtime;
}

function xstateVersion(): string {
  try {
    const { version } = createRequire(import.meta.url)('xstate/package.json') as { readonly version: string };
    return version;
  } catch {
    return 'unknown';
  }
}

let boot: string | undefined;

/**
 * Names the boot of this host and the time namespace of this process: two processes for which it is equal read the
 * same monotonic clock. Where the system does not tell (not Linux), it is random, so that nothing is compared that
 * should not be.
 *
 * @example
 * bootId(); // '6f1c…-…-…/time:[4026531834]'
 */
export function bootId(randomness: Randomness = systemRandomness): string {
  boot ??= readBootId() ?? `process:${randomness.id()}`;
  return boot;
}

function readBootId(): string | null {
  try {
    const id = readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
    return id === '' ? null : `${id}/${timeNamespace()}`;
  } catch {
    return null;
  }
}

/** Kernels before 5.6 have no time namespaces: then all processes share one. */
function timeNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/time');
  } catch {
    return 'time:host';
  }
}

let incarnation: string | undefined;

/** This process from its start to its end: `host:pid:random`. The `writer` of its records. */
export function processIncarnation(randomness: Randomness = systemRandomness): string {
  incarnation ??= `${hostname()}:${process.pid}:${randomness.id()}`;
  return incarnation;
}

/** Characters a candidate id may have: what is safe in file names, keys, URLs and labels alike. */
const UNSAFE_IN_ID = /[^A-Za-z0-9._-]+/g;

/** What a candidate's id is made of. */
export interface CandidateIdOptions {
  /** What the user called this member; default the environment's `POD_NAME`, else the host's name and the process id. */
  readonly given?: string | undefined;
  readonly environment?: Readonly<Record<string, string | undefined>>;
  readonly randomness?: Randomness;
}

/**
 * The id of one incarnation of a candidate: a name people know, and randomness. Each call makes another.
 *
 * @example
 * candidateId({ given: 'web-1' }); // 'web-1-k3v9x2m4p7qtw5ah'
 */
export function candidateId({
  given,
  environment = process.env,
  randomness = systemRandomness,
}: CandidateIdOptions = {}): string {
  const named = [given, environment['POD_NAME'], `${hostname()}.${process.pid}`].find(
    (name) => name !== undefined && name.trim() !== '',
  );
  return `${(named ?? 'member').trim().replaceAll(UNSAFE_IN_ID, '-')}-${randomness.id()}`;
}
