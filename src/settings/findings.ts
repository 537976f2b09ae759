import { diagnosticAt, showDiagnostic } from '../config/diagnostic.ts';
import type { ConfigDocument } from '../config/formats/config-document.ts';
import { follow } from '../config/formats/config-node.ts';
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
  if (placed.layer !== 'file' || document === null)
    return {
      message,
      origin: placed,
      text: placed.layer === 'default' ? message : `${showOrigin(placed)}: ${message}`,
    };
  return { message, origin: placed, text: textInFile({ ...finding, message }, placed.path, document) };
}

function textInFile(finding: Finding, path: readonly (string | number)[], document: ConfigDocument): string {
  const { node, key, depth } = follow(document.root, path);
  const spot = finding.ofKey === true || depth < path.length ? (key ?? node) : node;
  return showDiagnostic(
    diagnosticAt({
      stage: 'checking',
      code: 'SCHEMA',
      message: finding.message,
      source: spot.source,
      at: spot.at,
      path,
      hidden: finding.secret === true ? null : document.secrets.hiddenAt(spot.source, spot.at),
    }),
  );
}
