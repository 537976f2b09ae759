import { diagnosticAt, showDiagnostic } from '../config/diagnostic.ts';
import type { ConfigDocument } from '../config/formats/config-document.ts';
import { type ConfigPath, follow } from '../config/formats/config-node.ts';
import { type Finding, type Origin, showOrigin } from './origin.ts';

/** Findings with their places: what is told of settings, to people and to programs. */
export interface SettingsFinding {
  /** In one line, with the source line and a caret below it where there is one. */
  readonly text: string;
  readonly message: string;
  /** Null if it is about the settings as a whole. */
  readonly origin: Origin | null;
}

/** An origin with file, line and column. */
export function placedOrigin(
  origin: Origin,
  document: ConfigDocument | null,
  part: 'key' | 'value' = 'key',
): Origin {
  if (origin.layer !== 'file' || document === null) return origin;
  return {
    ...origin,
    path: document.secrets.shownPath(origin.path),
    place: document.locate(origin.path, part),
  };
}

export function placedFinding(finding: Finding, document: ConfigDocument | null): SettingsFinding {
  const { origin, other } = finding;
  const beyond = other === undefined ? '' : ` ${showOrigin(placedOrigin(other, document))}.`;
  const message = `${finding.message}${beyond}`;
  if (origin === null) return { message, origin, text: message };
  const part = finding.ofKey === true ? 'key' : 'value';
  const placed = placedOrigin(origin, document, part);
  if (origin.layer === 'file' && placed.layer === 'file' && document !== null)
    return {
      message,
      origin: placed,
      text: textInFile({ ...finding, message, origin }, placed.path, document),
    };
  const text = placed.layer === 'default' ? message : `${showOrigin(placed)}: ${message}`;
  return { message, origin: placed, text };
}

function textInFile(
  finding: Finding & { readonly origin: Extract<Origin, { layer: 'file' }> },
  shown: ConfigPath,
  document: ConfigDocument,
): string {
  const { path } = finding.origin;
  const { node, key, depth } = follow(document.root, path);
  const spot = finding.ofKey === true || depth < path.length ? (key ?? node) : node;
  const { source, at } = spot;
  const hidden = finding.secret === true ? null : document.secrets.hiddenAt(source, at);
  const { message } = finding;
  return showDiagnostic(
    diagnosticAt({ stage: 'checking', code: 'SCHEMA', message, source, at, path: shown, hidden }),
  );
}
