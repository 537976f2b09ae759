import { CATALOGUE, SETTING_IDS } from './catalogue.ts';
import type { Flag } from './catalogue-entry.ts';
import { give } from './give.ts';
import { emptyLayer, type Layer } from './origin.ts';

/** Values of flags by the flag's name without dashes: text as it was written, or what a program made of it. */
export type Flags = Readonly<Record<string, unknown>>;

/** Settings out of flags. Names that are no setting's are somebody else's. */
export function flagLayer(flags: Flags): Layer {
  const layer = emptyLayer();
  for (const id of SETTING_IDS) {
    const flag = CATALOGUE[id].flag as Flag | undefined;
    if (flag === undefined || !Object.hasOwn(flags, flag.name)) continue;
    const value = flags[flag.name];
    const written = flag.negated === true && value === false ? `no-${flag.name}` : flag.name;
    // An empty text on a command line is a slip, not nothing: say so.
    if (typeof value === 'string' && value.trim() === '') {
      layer.problems.push({
        origin: { layer: 'flag', flag: written },
        message: `It must be ${flag.kind.says}.`,
      });
      continue;
    }
    const originOf = () => ({ layer: 'flag', flag: written }) as const;
    give(layer, { id, kind: flag.kind, name: null, priority: 0, value, originOf });
  }
  return layer;
}
