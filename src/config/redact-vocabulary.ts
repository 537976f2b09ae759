import type { ConfigNode, ConfigPath } from './formats/config-node.ts';

/**
 * What configurations of one kind consist of, where that is known beforehand. Guarantee: of a file that has one nothing
 * is shown but what it knows to be plain; what it does not know may be a secret that came there by a slip.
 */
export interface Vocabulary {
  /** Whether what stands at this path may be shown; of an object, whether what is in it is asked about one by one. */
  isPlain(node: ConfigNode, path: ConfigPath): boolean;
  /** Whether a key of this name may be told. */
  isName(key: string): boolean;
  /** Whether a word, in any case, is one that these files are made of. */
  isWord(word: string): boolean;
}

/** Longer numbers may be secrets. */
const PLAIN_NUMBER = /^\d{1,5}$/;

/** Whether a text has no words but those of a vocabulary, and numbers. */
export function consistsOf(text: string, vocabulary: Vocabulary): boolean {
  const words = text.match(/[\p{L}\p{N}_]+/gu) ?? [];
  return words.every((word) => PLAIN_NUMBER.test(word) || vocabulary.isWord(word));
}

const NAME_LENGTH_MAX = 64;
/** So many of the parts of a name may be one letter, or have a number. */
const ODD_PARTS_MAX = 1;

/**
 * Whether a key that is not known may be told: if it is made of words, as names are. What could be drawn by lot, such
 * as `vK2-pW9`, is none; a secret that is made of words cannot be known for one.
 *
 * @example
 * looksLikeName('lease_duraton'); // true
 * looksLikeName('Xq7vK2pW9'); // false
 */
export function looksLikeName(key: string): boolean {
  if (key.length > NAME_LENGTH_MAX || !/^[\p{L}_][\p{L}\p{N}_-]*$/u.test(key)) return false;
  const parts = key
    .replaceAll(/(\p{Ll})(\p{Lu})/gu, '$1 $2')
    .replaceAll(/(\p{N})(\p{L})/gu, '$1 $2')
    .replaceAll(/(\p{Lu})(\p{Lu}\p{Ll})/gu, '$1 $2')
    .split(/[^\p{L}\p{N}]+/u)
    .filter((part) => part !== '');
  const short = parts.filter((part) => part.replaceAll(/\p{N}/gu, '').length < 2);
  const numbered = parts.filter((part) => /\p{N}/u.test(part));
  return short.length <= ODD_PARTS_MAX && numbered.length <= ODD_PARTS_MAX;
}

/** Shorter texts are everyday words, ports and the like. */
const LOT_LENGTH_MIN = 6;

/** Whether a text has a run of characters in it that could be drawn by lot: small and capital letters and digits. */
export function drawnByLot(text: string): boolean {
  const runs = text.match(/[^\s"'`,;:/\\=()[\]{}<>]+/g) ?? [];
  return runs.some(
    (run) => run.length >= LOT_LENGTH_MIN && /\p{Ll}/u.test(run) && /\p{Lu}/u.test(run) && /\d/.test(run),
  );
}
