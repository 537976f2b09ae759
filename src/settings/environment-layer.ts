import { nearest } from '../suggest.ts';
import { CATALOGUE, SETTING_IDS, variableOfFlag } from './catalogue.ts';
import type { Flag, SettingId } from './catalogue-entry.ts';
import { unknownKey, WAIT_REPLICAS } from './file-layer.ts';
import { give, oneOfEach, saysNothing, WAYS_APART } from './give.ts';
import { KNOWN_KEYS, type KnownKey, type Leaf, ROOTS } from './known-keys.ts';
import { emptyLayer, type Layer, type Origin } from './origin.ts';
import { NAME } from './setting-kinds.ts';
import { NO_SETTINGS, PREFIX } from './settings-given.ts';
import { shownVariable } from './vocabulary.ts';

/**
 * Settings out of the environment. Of several ways to give one, `CONCLAVE_…` wins over double underscores, and those
 * over the plain names that other programs read, too.
 */

export type Environment = Readonly<Record<string, string | undefined>>;

/** Kubernetes gives these to each pod beside a Service whose name begins like ours. */
const SERVICE_LINK = /_SERVICE_(HOST|PORT)(_|$)|_PORT_\d+_(TCP|UDP|SCTP)(_|$)/;
const SERVICE_LINK_VALUE = /^(tcp|udp|sctp):\/\//;

const FLAG_VARIABLES: ReadonlyMap<string, { readonly id: SettingId; readonly flag: Flag }> = new Map(
  SETTING_IDS.flatMap((id) => {
    const flag = CATALOGUE[id].flag as Flag | undefined;
    return flag === undefined ? [] : [[variableOfFlag(flag.name), { id, flag }] as const];
  }),
);

const PLAIN_VARIABLES: ReadonlyMap<string, SettingId> = new Map(
  SETTING_IDS.flatMap((id) => (CATALOGUE[id].variables ?? []).map((name) => [name, id] as const)),
);

export function environmentLayer(environment: Environment): Layer {
  const layer = emptyLayer();
  const lists = new Lists();
  for (const [variable, value] of Object.entries(environment)) {
    if (value === undefined || saysNothing(value)) continue;
    if (variable.includes('__')) nested(layer, lists, variable, value);
    else if (variable.toUpperCase().startsWith(PREFIX)) ofFlag(layer, variable, value);
    else plain(layer, variable, value);
  }
  lists.give(layer);
  oneOfEach(layer);
  return layer;
}

function plain(layer: Layer, variable: string, value: string): void {
  const id = PLAIN_VARIABLES.get(variable);
  if (id === undefined) return;
  const entry = CATALOGUE[id];
  const kind = (entry.flag ?? entry.names[0])?.kind ?? NAME;
  give(layer, { id, kind, name: null, priority: 2 * WAYS_APART, value, originOf: () => origin(variable) });
}

function ofFlag(layer: Layer, variable: string, value: string): void {
  const name = variable.toUpperCase();
  if (NO_SETTINGS.has(name) || SERVICE_LINK.test(name)) return;
  const known = FLAG_VARIABLES.get(name);
  if (known === undefined) {
    const names = [...FLAG_VARIABLES.keys(), 'CONCLAVE_CONFIG'].map((each) => each.slice(PREFIX.length));
    const near = nearest(name.slice(PREFIX.length), names);
    if (near === null) return;
    layer.notes.push({
      origin: origin(variable),
      message: `There is no such setting. Did you mean ${PREFIX}${near}?`,
    });
    return;
  }
  if (SERVICE_LINK_VALUE.test(value) && !known.flag.kind.schema.safeParse(value).success) {
    const message =
      'Kubernetes sets this because of a Service of that name; it is left alone. enableServiceLinks: false keeps such variables out.';
    layer.notes.push({ origin: origin(variable), message });
    return;
  }
  give(layer, {
    id: known.id,
    kind: known.flag.kind,
    name: null,
    priority: 0,
    value,
    originOf: () => origin(variable),
  });
}

/** `LeaderElection__LeaseDurationSeconds`: a key of any shape, with `__` between what a file nests. */
function nested(layer: Layer, lists: Lists, variable: string, value: string): void {
  const [first = '', ...rest] = variable.split('__');
  const isRoot = ROOTS.includes(first.toLowerCase());
  const isConclave = first.toLowerCase() === 'conclave';
  let at: KnownKey = { ...KNOWN_KEYS, unknown: isConclave ? 'strict' : 'open' };
  const segments = isRoot ? rest : [first, ...rest];
  for (const [index, segment] of segments.entries()) {
    const next = at.children.get(segment.toLowerCase());
    if (next === undefined) {
      const isOurs = isConclave || OUR_SECTIONS.has(first.toLowerCase());
      return unknown(layer, at, { variable, segment, isFirst: index === 0 && !isRoot, isOurs });
    }
    at = next;
    if (at.leaf !== null)
      return leafOf(layer, lists, { leaf: at.leaf, variable, value, inside: segments.slice(index + 1) });
  }
}

interface AtLeaf {
  readonly leaf: Leaf;
  readonly variable: string;
  readonly value: string;
  readonly inside: readonly string[];
}

function leafOf(layer: Layer, lists: Lists, { leaf, variable, value, inside }: AtLeaf): void {
  if (leaf.kind === 'without-effect') {
    if (leaf.note !== null)
      layer.notes.push({ origin: origin(variable), message: `This has no effect. ${leaf.note}` });
    return;
  }
  const priority = WAYS_APART + leaf.priority;
  if (inside.length > 0) return lists.add(leaf, inside, variable, value);
  give(layer, {
    id: leaf.id,
    kind: leaf.name.kind,
    name: leaf.name,
    priority,
    value,
    originOf: () => origin(variable),
  });
}

interface UnknownSegment {
  readonly variable: string;
  readonly segment: string;
  readonly isFirst: boolean;
  /** Nobody else has variables that begin so. */
  readonly isOurs: boolean;
}

/** The environment is everybody's: `METRICS__ENABLED` may be another program's, `LeaderElection__Enabld` is a slip. */
function unknown(layer: Layer, at: KnownKey, { variable, segment, isFirst, isOurs }: UnknownSegment): void {
  if (isFirst) return;
  if (WAIT_REPLICAS.test(segment)) {
    const message =
      'No replica would be waited for by this. It must be CONCLAVE_WAIT_REPLICAS, or redis__wait_replicas.';
    layer.problems.push({ origin: origin(variable), message });
    return;
  }
  const finding = unknownKey(isOurs ? at : { ...at, unknown: 'open' }, segment);
  if (finding === null) return;
  layer[finding.fatal ? 'problems' : 'notes'].push({ origin: origin(variable), message: finding.message });
}

const OUR_SECTIONS: ReadonlySet<string> = new Set([
  'leaderelection',
  'highavailability',
  'high_availability',
  'configurationwatcher',
]);

/** Values that came in pieces: `Server__Tokens__0__Token`, `Server__Tokens__0__Scopes`. */
class Lists {
  readonly #begun = new Map<string, Begun>();

  add(
    leaf: Extract<Leaf, { kind: 'setting' }>,
    inside: readonly string[],
    variable: string,
    value: string,
  ): void {
    const begun: Begun = this.#begun.get(leaf.name.path) ?? { leaf, tree: new Map(), variables: [] };
    this.#begun.set(leaf.name.path, begun);
    begun.variables.push({ inside: inside.map((each) => each.toLowerCase()), variable });
    let level = begun.tree;
    for (const segment of inside.slice(0, -1)) {
      const known = level.get(segment.toLowerCase());
      const next: Tree = known instanceof Map ? known : new Map<string, string | Tree>();
      level.set(segment.toLowerCase(), next);
      level = next;
    }
    const last = inside.at(-1)?.toLowerCase() ?? '';
    if (!(level.get(last) instanceof Map)) level.set(last, value);
  }

  give(layer: Layer): void {
    for (const { leaf, tree, variables } of this.#begun.values()) {
      const originOf = (inside: readonly (string | number)[]): Origin => {
        const wanted = inside.map((each) => String(each).toLowerCase());
        const hit = variables.find((each) =>
          wanted.every((segment, index) => each.inside[index] === segment),
        );
        return origin((hit ?? variables[0])?.variable ?? '');
      };
      const value = plainTree(tree);
      give(layer, {
        id: leaf.id,
        kind: leaf.name.kind,
        name: leaf.name,
        priority: WAYS_APART + leaf.priority,
        value,
        originOf,
      });
    }
  }
}

type Tree = Map<string, string | Tree>;

interface Begun {
  readonly leaf: Extract<Leaf, { kind: 'setting' }>;
  readonly tree: Tree;
  readonly variables: { readonly inside: readonly string[]; readonly variable: string }[];
}

function plainTree(tree: Tree): unknown {
  const sorted = [...tree].toSorted(([one], [other]) => Number(one) - Number(other));
  return Object.fromEntries(sorted.map(([key, each]) => [key, each instanceof Map ? plainTree(each) : each]));
}

const origin = (variable: string): Origin => ({
  layer: 'environment',
  variable: shownVariable(variable),
});
