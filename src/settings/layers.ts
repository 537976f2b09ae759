import type { SettingId, Values } from './catalogue-entry.ts';
import { type Finding, type Given, type Layer, type Origin, rankOf } from './origin.ts';

/** What was given in all layers, the latest of each setting; and where what is resolved came from. */
export class Layers {
  readonly problems: Finding[] = [];
  readonly notes: Finding[] = [];
  /** Where each resolved value came from, by its name: `leaderElection.leaseDurationMs`. */
  readonly origins = new Map<string, Origin>();
  readonly #given = new Map<SettingId, Given>();

  constructor(layers: readonly Layer[]) {
    for (const layer of layers) {
      this.problems.push(...layer.problems);
      this.notes.push(...layer.notes);
      for (const each of layer.given) {
        const before = this.#given.get(each.id);
        if (before === undefined || rankOf(before.origin) <= rankOf(each.origin))
          this.#given.set(each.id, each);
      }
    }
  }

  get<Id extends SettingId>(id: Id): Given<Id> | undefined {
    return this.#given.get(id) as Given<Id> | undefined;
  }

  /** The value of a setting, its origin noted under the name it is resolved to. */
  take<Id extends SettingId, D>(id: Id, resolved: string, otherwise: D): Values[Id] | D {
    const given = this.get(id);
    this.origins.set(resolved, given?.origin ?? { layer: 'default' });
    return given === undefined ? otherwise : given.value;
  }

  problem(message: string, origin: Origin | null, more: Partial<Finding> = {}): void {
    this.problems.push({ message, origin, ...more });
  }

  note(message: string, origin: Origin | null, other?: Origin): void {
    this.notes.push({ message, origin, ...(other && { other }) });
  }
}
