import { type SecretDeclarations, Secrets } from '../redact.ts';
import { type ConfigPath, type ConfigValue, follow, type ObjectNode, valueOf } from './config-node.ts';
import type { Dependency } from './references.ts';
import type { Place } from './source-text.ts';

/** A configuration that was read and not validated yet. */
export class ConfigDocument {
  /** Where each value stands, and what it was made from. */
  readonly root: ObjectNode;
  readonly dependencies: readonly Dependency[];
  readonly secrets: Secrets;
  readonly #declarations: SecretDeclarations;
  #value: ConfigValue | undefined;

  constructor(root: ObjectNode, dependencies: readonly Dependency[], declarations: SecretDeclarations) {
    this.root = root;
    this.dependencies = dependencies;
    this.secrets = new Secrets(root, declarations);
    this.#declarations = declarations;
  }

  /** The plain value, deeply frozen. It holds the secrets, too. */
  get value(): ConfigValue {
    this.#value ??= valueOf(this.root);
    return this.#value;
  }

  /** The same configuration with another tree. */
  withRoot(root: ObjectNode): ConfigDocument {
    return new ConfigDocument(root, this.dependencies, this.#declarations);
  }

  /** Where a path stands: its value, or its key; of a path that leads nowhere, the last place on the way. */
  locate(path: ConfigPath, part: 'key' | 'value' = 'value'): Place {
    const { node, key, depth } = follow(this.root, path);
    const spot = part === 'key' || depth < path.length ? (key ?? node) : node;
    return spot.source.place(spot.at);
  }
}
