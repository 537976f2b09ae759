import type { ConfigDiagnostic } from './diagnostic.ts';
import type { ConfigFile } from './formats/read-config.ts';
import { PathPattern } from './formats/path-pattern.ts';
import type { SecretDeclarations } from './redact.ts';
import { consistsOf } from './redact-vocabulary.ts';

/**
 * Problems of files that could not be read, as they may be told. Guarantee: no line is shown that a key which was
 * declared secret may reach into. Where a text cannot be read nobody knows what belongs to which key, so a line goes
 * if the name of such a key stands anywhere up to its end; with a vocabulary, if it has any other word.
 */
export function withoutDeclared(
  diagnostics: readonly ConfigDiagnostic[],
  files: readonly ConfigFile[],
  { secretKeys = [], vocabulary }: SecretDeclarations,
): readonly ConfigDiagnostic[] {
  if (secretKeys.length === 0 && vocabulary === undefined) return diagnostics;
  const names = secretKeys.map((text) => lastName(new PathPattern(text)));
  return diagnostics.map((diagnostic) => {
    if (diagnostic.excerpt === null) return diagnostic;
    const isShown =
      vocabulary === undefined
        ? !mentions(textUntil(diagnostic, files), names)
        : consistsOf(diagnostic.excerpt, vocabulary);
    return isShown ? diagnostic : { ...diagnostic, excerpt: null };
  });
}

/** Null if every name is meant: `*`. */
function lastName({ segments }: PathPattern): string | null {
  return segments.findLast((segment) => segment !== '*' && !/^\d+$/.test(segment)) ?? null;
}

function mentions(text: string, names: readonly (string | null)[]): boolean {
  return names.some((name) => name === null || text.includes(name));
}

function textUntil({ file, line }: ConfigDiagnostic, files: readonly ConfigFile[]): string {
  const bytes = files.find(({ name }) => name === file)?.bytes ?? new Uint8Array();
  const text = new TextDecoder().decode(bytes);
  return text.split('\n', line ?? undefined).join('\n');
}
