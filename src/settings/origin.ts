import type { ConfigPath } from '../config/formats/config-node.ts';
import { showPath } from '../config/formats/config-node.ts';
import { shownKeys } from './vocabulary.ts';
import type { Name, SettingId, Values } from './catalogue-entry.ts';

/** Where a value came from. Later layers win: defaults, preset, file, environment, flags. */
export type Origin =
  | { readonly layer: 'default'; readonly note?: string }
  | { readonly layer: 'preset'; readonly environment: string }
  | { readonly layer: 'file'; readonly path: ConfigPath; readonly place?: OriginPlace }
  | { readonly layer: 'environment'; readonly variable: string }
  | { readonly layer: 'flag'; readonly flag: string };

export interface OriginPlace {
  readonly file: string;
  readonly line: number;
  readonly column: number;
}

const LAYERS = [
  'default',
  'preset',
  'file',
  'environment',
  'flag',
] as const satisfies readonly Origin['layer'][];

export const rankOf = ({ layer }: Origin): number => LAYERS.indexOf(layer);

/** An origin in words, without secrets: `conclave.hcl:4:3 (server.port)`, `LeaderElection__Enabled`, `--lease`, `default`. */
export function showOrigin(origin: Origin): string {
  switch (origin.layer) {
    case 'default':
      return origin.note === undefined ? 'default' : `default (${origin.note})`;
    case 'preset':
      return `preset ${origin.environment}`;
    case 'environment':
      return origin.variable;
    case 'flag':
      return `--${origin.flag}`;
    case 'file': {
      const { place, path } = origin;
      const key = showPath(shownKeys(path));
      return place === undefined ? key : `${place.file}:${place.line}:${place.column} (${key})`;
    }
  }
}

/** One value that somebody gave. */
export interface Given<Id extends SettingId = SettingId> {
  readonly id: Id;
  readonly value: Values[Id];
  readonly origin: Origin;
  /** The name it was given by, if that is one of a file. */
  readonly name: Name | null;
  /** Of several in one layer, the smallest wins. */
  readonly priority: number;
}

/** Something to refuse, or to tell. `message` says nothing of where. */
export interface Finding {
  readonly origin: Origin | null;
  readonly message: string;
  /** Another place that it is about. */
  readonly other?: Origin;
  /** Whether it is about a key, not about what stands there. */
  readonly ofKey?: true;
  /** What stands there may be secret: no excerpt of the source. */
  readonly secret?: true;
}

/** What reading one layer came to. */
export interface Layer {
  readonly given: Given[];
  readonly problems: Finding[];
  readonly notes: Finding[];
}

export const emptyLayer = (): Layer => ({ given: [], problems: [], notes: [] });
