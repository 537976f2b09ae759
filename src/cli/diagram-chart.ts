import type { AnyStateMachine, AnyStateNode } from 'xstate';

/** A chart as pictures need it: plain data, names only, in the order in which the chart's file has it. */
export interface Chart {
  readonly id: string;
  readonly root: ChartState;
  readonly arrows: readonly Arrow[];
}

export interface ChartState {
  /** Path below the root, for example `leader.held`; the root's own is its id. */
  readonly path: string;
  readonly key: string;
  readonly kind: 'atomic' | 'compound' | 'parallel' | 'final' | 'history';
  /** Path of the child it begins in. */
  readonly initial: string | null;
  readonly entry: readonly string[];
  readonly exit: readonly string[];
  readonly invokes: readonly string[];
  readonly children: readonly ChartState[];
}

/** One transition. Without a target it stays where it is. */
export interface Arrow {
  readonly from: string;
  readonly to: string | null;
  readonly trigger: 'event' | 'after' | 'always' | 'done' | 'error';
  /** The event's type, the delay, what was invoked; empty for `always`. */
  readonly name: string;
  readonly guard: string | null;
  readonly actions: readonly string[];
  readonly reenter: boolean;
}

/** Reads the picture's data off a machine. Nothing of the machine is run. */
export function chartOf(machine: AnyStateMachine): Chart {
  const arrows: Arrow[] = [];
  const root = stateOf(machine.root, arrows);
  return { id: machine.id, root, arrows };
}

const pathOf = (node: AnyStateNode): string => (node.path.length === 0 ? node.id : node.path.join('.'));

function stateOf(node: AnyStateNode, arrows: Arrow[]): ChartState {
  for (const transitions of node.transitions.values())
    for (const transition of transitions) arrows.push(arrowOf(node, transition));
  for (const transition of node.always ?? []) arrows.push(arrowOf(node, transition));
  return {
    path: pathOf(node),
    key: node.key,
    kind: node.type,
    initial: node.type === 'compound' ? pathOf(node.initial.target[0] ?? node) : null,
    entry: namesOf(node.entry),
    exit: namesOf(node.exit),
    invokes: node.invoke.map(({ src }) => nameOf(src)),
    children: Object.values(node.states).map((child) => stateOf(child, arrows)),
  };
}

interface Transition {
  readonly eventType: string;
  readonly target?: readonly AnyStateNode[] | undefined;
  readonly guard?: unknown;
  readonly actions: readonly unknown[];
  readonly reenter: boolean;
}

function arrowOf(source: AnyStateNode, transition: Transition): Arrow {
  const [target] = transition.target ?? [];
  return {
    from: pathOf(source),
    to: target === undefined ? null : pathOf(target),
    ...triggerOf(transition.eventType),
    guard: transition.guard === undefined ? null : guardName(transition.guard),
    actions: namesOf(transition.actions),
    reenter: transition.reenter,
  };
}

/** XState's own events have names that say what they are for. */
const OWN_EVENTS = /^xstate\.(after|done\.actor|done\.state|error\.actor)\.(.+)$/;

function triggerOf(eventType: string): Pick<Arrow, 'trigger' | 'name'> {
  const [, kind, of = ''] = OWN_EVENTS.exec(eventType) ?? [];
  switch (kind) {
    case 'after':
      return { trigger: 'after', name: of.slice(0, of.indexOf('.')) };
    case 'done.actor':
    case 'done.state':
      return { trigger: 'done', name: of };
    case 'error.actor':
      return { trigger: 'error', name: of };
    default:
      return { trigger: eventType === '' ? 'always' : 'event', name: eventType };
  }
}

/** What is raised for a delay is shown by the delay itself. */
const isBookkeeping = (action: unknown): boolean => {
  const { type, event } = action as { type?: string; event?: { type?: string } };
  return (
    (type === 'xstate.raise' || type === 'xstate.cancel') && (event?.type ?? 'xstate.').startsWith('xstate.')
  );
};

const namesOf = (actions: readonly unknown[]): string[] =>
  actions.filter((action) => !isBookkeeping(action)).map(nameOf);

/** XState's own actions carry what they are about themselves; read back from JSON, as a parameter. */
interface ActionParts {
  readonly type?: string;
  readonly event?: { readonly type?: string };
  readonly params?: { readonly event?: { readonly type?: string } };
  readonly name?: string;
}

/** The name of an action, guard or actor; of XState's own actions what they are about. */
export function nameOf(part: unknown): string {
  if (typeof part === 'string') return part;
  const { type, event, params, name } = part as ActionParts;
  if (type?.startsWith('xstate.')) {
    const about = (event ?? params?.event)?.type;
    return about === undefined ? type.slice('xstate.'.length) : `${type.slice('xstate.'.length)} ${about}`;
  }
  return type ?? (name === undefined || name === '' ? '(inline)' : name);
}

/** A guard in words: `and([a, not(b)])` becomes `a ∧ ¬b`. */
export function guardName(guard: unknown): string {
  const { check, guards } = guard as { check?: { name: string }; guards?: readonly unknown[] };
  if (check === undefined || guards === undefined) return nameOf(guard);
  const parts = guards.map((part) => {
    const words = guardName(part);
    return words.includes(' ') ? `(${words})` : words;
  });
  if (check.name === 'checkNot') return `¬${parts.join('')}`;
  return parts.join(check.name === 'checkOr' ? ' ∨ ' : ' ∧ ');
}

/** What an arrow says: `event [guard]`, `after delay`, `always`. */
export function arrowLabel({ trigger, name, guard }: Arrow): string {
  const cause = trigger === 'event' ? name : `${trigger} ${name}`.trim();
  return guard === null ? cause : `${cause} [${guard}]`;
}

/** What a transition says that stays in its state; one that does nothing forbids what would be done further out. */
export function stayingLabel(arrow: Arrow): string {
  const doing = arrow.actions.length === 0 ? 'ignored' : arrow.actions.join(', ');
  return `${arrowLabel(arrow)} / ${doing}`;
}

/** Arrows between the same two states, drawn as one. */
export interface Bundle {
  readonly from: string;
  readonly to: string;
  readonly labels: readonly string[];
}

/** In the order in which the chart's file has the first arrow of each bundle. */
export function bundlesOf(arrows: readonly Arrow[]): Bundle[] {
  const bundles = new Map<string, { from: string; to: string; labels: string[] }>();
  for (const arrow of arrows) {
    const { from, to } = arrow;
    if (to === null) continue;
    const bundle = bundles.get(`${from} ${to}`);
    if (bundle === undefined) bundles.set(`${from} ${to}`, { from, to, labels: [arrowLabel(arrow)] });
    else bundle.labels.push(arrowLabel(arrow));
  }
  return [...bundles.values()];
}
