import { heldNumber } from '../formats/plain-scalar.ts';
import { Unreadable } from '../formats/unreadable.ts';
import { type ConfigNode, type ConfigValue, DEPTH_MAX, FORBIDDEN_KEY } from '../formats/config-node.ts';
import type { Answer, ReferenceKind } from '../formats/references.ts';
import { REDACTED } from '../redact.ts';
import { looksSecret } from '../redact-names.ts';
import { drawnByLot } from '../redact-vocabulary.ts';
import { nearest } from '../../suggest.ts';
import { number, text } from './operators.ts';

/**
 * The functions there are; the list is closed. Messages name the function and what was wrong with its arguments, never
 * an argument, except the names of environment variables, files and secrets: those are names.
 */

export interface Call {
  readonly name: string;
  /** Where the call begins. */
  readonly at: number;
  readonly args: readonly ConfigNode[];
  /** Asks for a reference; does not return while it is not known yet. */
  readonly ask: (
    kind: ReferenceKind,
    name: string,
  ) => Extract<Answer, { readonly state: 'found' | 'missing' }>;
}

export interface Outcome {
  readonly value: ConfigValue;
  /** Secret of itself, whatever its arguments are. */
  readonly secret: boolean;
}

interface Definition {
  readonly parameters: string;
  readonly least: number;
  readonly most: number;
  readonly run: (call: Call) => ConfigValue | Outcome;
}

const functions: Readonly<Record<string, Definition>> = {
  env: { parameters: 'name[, default]', least: 1, most: 2, run: env },
  file: { parameters: 'path', least: 1, most: 1, run: (call) => reference(call, 'file') },
  secret: { parameters: 'reference', least: 1, most: 1, run: (call) => reference(call, 'secret') },
  coalesce: { parameters: 'value, …', least: 1, most: Infinity, run: coalesce },
  upper: { parameters: 'text', least: 1, most: 1, run: (call) => textOf(call, 0).toUpperCase() },
  lower: { parameters: 'text', least: 1, most: 1, run: (call) => textOf(call, 0).toLowerCase() },
  trimspace: { parameters: 'text', least: 1, most: 1, run: (call) => textOf(call, 0).trim() },
  jsondecode: { parameters: 'text', least: 1, most: 1, run: jsondecode },
  base64decode: { parameters: 'text', least: 1, most: 1, run: base64decode },
  min: { parameters: 'number, …', least: 1, most: Infinity, run: (call) => Math.min(...numbersOf(call)) },
  max: { parameters: 'number, …', least: 1, most: Infinity, run: (call) => Math.max(...numbersOf(call)) },
};

/** The names of all functions. */
export const functionNames: readonly string[] = Object.keys(functions);

/** More arguments than these are refused. */
const ARGUMENTS_MAX = 1000;

export function callFunction(call: Call): Outcome {
  const definition = Object.hasOwn(functions, call.name) ? functions[call.name] : undefined;
  if (definition === undefined) throw unknownFunction(call);
  const { least, most, parameters } = definition;
  const count = call.args.length;
  if (count < least || count > Math.min(most, ARGUMENTS_MAX)) {
    const given = `${count} argument${count === 1 ? '' : 's'}`;
    throw new Unreadable(
      'VALUE',
      call.at,
      `${call.name}() got ${given}; it takes ${call.name}(${parameters}).`,
    );
  }
  const result = definition.run(call);
  return isOutcome(result) ? result : { value: result, secret: false };
}

function isOutcome(result: ConfigValue | Outcome): result is Outcome {
  return result instanceof FunctionOutcome;
}

class FunctionOutcome implements Outcome {
  readonly value: ConfigValue;
  readonly secret: boolean;
  constructor(value: ConfigValue, secret: boolean) {
    this.value = value;
    this.secret = secret;
  }
}

function unknownFunction(call: Call): Unreadable {
  const near = nearest(call.name, functionNames);
  const hint = near === null ? '' : ` Did you mean ${near}()?`;
  return new Unreadable(
    'UNSUPPORTED',
    call.at,
    `There is no function of this name.${hint} Those there are: ${functionNames.join(', ')}.`,
  );
}

function env(call: Call): Outcome | ConfigValue {
  const name = nameOf(call);
  const answer = call.ask('env', name);
  if (answer.state === 'found') return new FunctionOutcome(answer.value, answer.secret);
  const fallback = call.args[1];
  if (fallback !== undefined) return plain(fallback, call.at);
  const message =
    `The environment variable ${shownName(name, 'env')} cannot be used: ${answer.reason}. ` +
    `Set it, or give a default: env(name, "default").`;
  throw new Unreadable('REFERENCE', call.at, message, !isTellable(name, 'env'));
}

function reference(call: Call, kind: 'file' | 'secret'): Outcome {
  const name = nameOf(call);
  const answer = call.ask(kind, name);
  if (answer.state === 'found') return new FunctionOutcome(answer.value, true);
  const message = `${kind}(${shownName(name, kind)}) cannot be used: ${answer.reason}.`;
  throw new Unreadable('REFERENCE', call.at, message, !isTellable(name, kind));
}

/** Somebody may have put the secret itself where its name goes. */
function isTellable(name: string, kind: ReferenceKind): boolean {
  if (kind === 'env' && (!/^[\p{L}_][\p{L}\p{N}_.-]*$/u.test(name) || drawnByLot(name))) return false;
  return !looksSecret(name);
}

const shownName = (name: string, kind: ReferenceKind): string =>
  JSON.stringify(isTellable(name, kind) ? name : REDACTED);

/** Names are shown and recorded, so a secret cannot be one. */
function nameOf(call: Call): string {
  if (call.args[0]?.secret === true) {
    throw new Unreadable(
      'VALUE',
      call.at,
      `The name in ${call.name}() comes from a secret, and names are shown.`,
    );
  }
  return textOf(call, 0);
}

function textOf(call: Call, index: number): string {
  const node = call.args[index];
  return text(node?.kind === 'scalar' ? node.value : undefined, node?.at ?? call.at);
}

function numbersOf(call: Call): number[] {
  return call.args.map((node) =>
    heldNumber(number(node.kind === 'scalar' ? node.value : undefined, node.at), node.at),
  );
}

function coalesce(call: Call): ConfigValue {
  for (const node of call.args) {
    const value = plain(node, call.at);
    if (value !== null && value !== '') return value;
  }
  throw new Unreadable(
    'VALUE',
    call.at,
    'coalesce() found nothing but null and empty texts. Add a last resort.',
  );
}

function plain(node: ConfigNode, at: number): ConfigValue {
  if (node.kind === 'scalar') return node.value;
  throw new Unreadable(
    'VALUE',
    at,
    'Here goes a text, a number, true, false or null, not a list or an object.',
  );
}

function base64decode(call: Call): string {
  const encoded = textOf(call, 0);
  const bytes = Buffer.from(encoded, 'base64');
  const isBase64 = /^[A-Za-z0-9+/_-]*={0,2}$/.test(encoded) && encoded.replaceAll('=', '').length % 4 !== 1;
  if (!isBase64) throw new Unreadable('VALUE', call.at, 'base64decode() got a text that is not Base64.');
  try {
    return new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
  } catch {
    throw new Unreadable('VALUE', call.at, 'base64decode() got bytes that are no text in UTF-8.');
  }
}

function jsondecode(call: Call): ConfigValue {
  const encoded = textOf(call, 0);
  let decoded: ConfigValue;
  try {
    decoded = JSON.parse(encoded) as ConfigValue;
  } catch {
    // The engine's message repeats what it read.
    throw new Unreadable('VALUE', call.at, 'jsondecode() got a text that is not JSON.');
  }
  refuseUnsafe(decoded, call.at, 0);
  return decoded;
}

function refuseUnsafe(value: ConfigValue, at: number, depth: number): void {
  if (typeof value === 'number') heldNumber(value, at);
  if (typeof value !== 'object' || value === null) return;
  if (depth >= DEPTH_MAX)
    throw new Unreadable('LIMIT', at, `jsondecode() got more than ${DEPTH_MAX} levels.`);
  if (Object.hasOwn(value, FORBIDDEN_KEY)) {
    throw new Unreadable(
      'VALUE',
      at,
      `jsondecode() got an object with the key "${FORBIDDEN_KEY}", which is not allowed.`,
    );
  }
  for (const each of Object.values(value)) refuseUnsafe(each, at, depth + 1);
}
