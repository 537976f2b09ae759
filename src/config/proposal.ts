import { ConfigError, SettingsError } from '../errors.ts';
import type { ConfigContent } from './content.ts';
import { fileSha, setSha } from './fingerprint.ts';
import type { ExpectedHead } from './head-commands.ts';
import type { MemberReport } from './head.ts';
import type { SharedOutcome } from './reload-outcomes.ts';
import { CONFIG_FILE_BYTES_MAX, CONFIG_FILES_MAX, type ConfigFile } from './source.ts';

/** A configuration that somebody hands over, rather than a file that changed. */
export interface ProposedContent {
  readonly files: readonly ProposedFile[];
}

/** A file whose content is proposed to all members. */
export interface ProposedFile {
  /** Decides the format, as the name of a file does: `app.yaml`. Default the name of the first file in force. */
  readonly name?: string;
  readonly text: string | Uint8Array;
}

/** Options of `propose()`. */
export interface ProposeOptions {
  /** What is to be replaced: anything else there is a conflict, and nothing moves. Default whatever is there. */
  readonly expected?: ExpectedHead;
  /** For history and audit log: who asks. Default this member. */
  readonly who?: string;
  /** For history and audit log: why. */
  readonly why?: string;
  /** Waits up to 2 s for the other members and tells how they stand. They hear of it in any case. */
  readonly notifyOthers?: boolean;
}

/** What became of a proposal: the generation it is, how that ended here, and which other members have heard of it. */
export interface Proposal {
  readonly generation: number;
  readonly sha: string;
  readonly outcome: SharedOutcome;
  /** The other members that acknowledged within 2 s, and how they stood then. Empty without `notifyOthers`. */
  readonly others: readonly MemberReport[];
}

/**
 * What was handed over, known by the hash that a file with the same bytes has.
 *
 * @throws ConfigError `CONFIG_INVALID` if names or sizes are none that a source would take
 */
export function contentProposed({ files }: ProposedContent, nameInForce: string | null): ConfigContent {
  if (files.length === 0 || files.length > CONFIG_FILES_MAX)
    throw invalid(`A configuration has from 1 to ${CONFIG_FILES_MAX} files, not ${files.length}.`);
  const seen = new Set<string>();
  const named = files.map((file): ConfigFile => {
    const name = file.name ?? nameInForce ?? 'config.json';
    if (!isPlain(name)) throw invalid(`A file's name must be a short relative path, unlike ${shown(name)}.`);
    if (seen.has(name)) throw invalid(`Two files are called ${shown(name)}.`);
    seen.add(name);
    const bytes = typeof file.text === 'string' ? Buffer.from(file.text) : file.text;
    if (bytes.length > CONFIG_FILE_BYTES_MAX)
      throw invalid(`${name} has ${bytes.length} bytes; the most is ${CONFIG_FILE_BYTES_MAX}.`);
    return { name, path: name, bytes };
  });
  const inOrder = named.toSorted((a, b) => (a.name < b.name ? -1 : 1));
  const [only, more] = inOrder;
  const sha = only && !more ? fileSha(only.bytes) : setSha(inOrder);
  return { sha, files: inOrder, directory: null };
}

/** Only what members share in the store can be handed over: elsewhere the files are what counts. */
export function notProposable(mode: 'local' | 'file', location: string): SettingsError {
  return new SettingsError(
    'CONFIG_READ_ONLY',
    `In mode '${mode}' the configuration is what ${location} holds. Change it there, or share it in a store with mode 'store'.`,
  );
}

function isPlain(name: string): boolean {
  const parts = name.split('/');
  return (
    name.length <= 200 &&
    // eslint-disable-next-line no-control-regex
    !/[\u0000-\u001f\\]/.test(name) &&
    parts.every((part) => part !== '' && part !== '.' && part !== '..')
  );
}

const shown = (name: string): string => JSON.stringify(name.slice(0, 60));

function invalid(message: string): ConfigError {
  return new ConfigError('CONFIG_INVALID', message, {
    diagnostics: [
      { stage: 'reading', code: 'CONFIG_INVALID', message, file: null, line: null, column: null, path: null },
    ],
  });
}
