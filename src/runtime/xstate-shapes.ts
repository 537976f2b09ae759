import { isMachineSnapshot, matchesState, type AnyMachineSnapshot, type StateValue } from 'xstate';

/**
 * What XState 5's things look like, and what of them is recorded: snapshots, events, the parameters of built-in
 * actions. With `xstate-internals.ts`, which knows how actors run, the only file that leans on more than XState's
 * public API.
 */

/** Stands for actor logic that was given inline and so has no name. */
export const INLINE = '(inline)';

/** The id of an actor reference, or null for anything else. The same test as XState's own `persistContext`. */
export function actorIdOf(value: object): string | null {
  return 'sessionId' in value && 'send' in value && 'ref' in value
    ? String((value as { id?: unknown }).id)
    : null;
}

interface ChildRef {
  readonly src?: unknown;
  readonly systemId?: string;
  readonly options?: { readonly input?: unknown };
  getPersistedSnapshot(options?: unknown): unknown;
}

/**
 * What of a snapshot a digest covers: everything the chart decides, and of its children only which there are. What a
 * child is at is its own journal's matter; in this actor's journal it would depend on when one looks.
 */
export function projectState(snapshot: AnyMachineSnapshot): Record<string, unknown> {
  const { output, error } = snapshot as { readonly output: unknown; readonly error: unknown };
  // In canonical order, which saves sorting them for every digest.
  const state: Record<string, unknown> = {
    children: projectChildren(snapshot),
    context: snapshot.context as unknown,
    history: historyIds(snapshot),
    status: snapshot.status,
    value: snapshot.value as unknown,
  };
  if (output !== undefined) state['output'] = output;
  if (error !== undefined) state['error'] = error;
  return state;
}

function projectChildren(snapshot: AnyMachineSnapshot): Record<string, unknown> {
  const children: Record<string, unknown> = {};
  for (const [id, child] of childrenOf(snapshot)) {
    children[id] = { src: typeof child.src === 'string' ? child.src : INLINE, ...bindings(child) };
  }
  return children;
}

function childrenOf(snapshot: AnyMachineSnapshot): [string, ChildRef][] {
  return Object.entries(snapshot.children as Record<string, ChildRef | undefined>).filter(
    (entry): entry is [string, ChildRef] => entry[1] !== undefined,
  );
}

/** How a child is tied in, beside its id. */
function bindings(child: ChildRef): { readonly systemId?: string; readonly syncSnapshot?: true } {
  return {
    ...(child.systemId !== undefined && { systemId: child.systemId }),
    ...((child as unknown as Record<string, unknown>)['_syncSnapshot'] === true && { syncSnapshot: true }),
  };
}

function historyIds(snapshot: AnyMachineSnapshot): Record<string, string[]> {
  const ids: Record<string, string[]> = {};
  for (const [id, nodes] of Object.entries(
    snapshot.historyValue as Record<string, readonly { readonly id: string }[]>,
  )) {
    ids[id] = nodes.map((node) => node.id);
  }
  return ids;
}

/**
 * What a state is made of again. Children with inline logic carry `src: null`; each carries the input it was given, so
 * that it can begin anew.
 *
 * @param ended Children known to have ended, where the children themselves (inert ones) do not tell.
 */
export function persistState(
  snapshot: AnyMachineSnapshot,
  ended?: ReadonlyMap<string, object>,
): Record<string, unknown> {
  const children: Record<string, unknown> = {};
  for (const [id, child] of childrenOf(snapshot)) {
    const { input } = child.options ?? {};
    children[id] = {
      snapshot: ended?.get(id) ?? child.getPersistedSnapshot({ __unsafeAllowInlineActors: true }),
      src: typeof child.src === 'string' ? child.src : null,
      ...(input !== undefined && { input }),
      ...bindings(child),
    };
  }
  const history = Object.entries(historyIds(snapshot)).map(([id, nodes]) => [
    id,
    nodes.map((node) => ({ id: node })),
  ]);
  return {
    status: snapshot.status,
    value: snapshot.value,
    context: snapshot.context as unknown,
    historyValue: Object.fromEntries(history) as unknown,
    children,
    ...(snapshot.output !== undefined && { output: snapshot.output as unknown }),
    ...(snapshot.error !== undefined && { error: snapshot.error }),
  };
}

/** What `persistState` makes. */
export interface PersistedState {
  readonly context: unknown;
  readonly children: Record<string, PersistedChild>;
}

export interface PersistedChild {
  readonly src: string | null;
  readonly snapshot: { readonly status: string };
  readonly input?: unknown;
}

/** A child's snapshot as a journal gives it back: the data, and the two questions charts ask of it. */
export class RecordedSnapshot {
  readonly status!: string;
  readonly value!: StateValue;
  readonly context!: unknown;
  readonly output?: unknown;
  readonly error?: unknown;
  readonly tags!: readonly string[];
  constructor(parts: Record<string, unknown>) {
    Object.assign(this, parts);
  }
  matches(value: StateValue): boolean {
    return matchesState(value, this.value);
  }
  hasTag(tag: string): boolean {
    return this.tags.includes(tag);
  }
}

interface Data {
  readonly value: StateValue;
  readonly context: unknown;
  readonly output: unknown;
  readonly status: string;
  readonly error: unknown;
  readonly tags: ReadonlySet<string>;
}

/** The data of a machine snapshot that travels in an event; null for anything that is none. */
export function projectSnapshot(value: object): Record<string, unknown> | null {
  if (value instanceof RecordedSnapshot) return Object.fromEntries(Object.entries(value));
  if (!isMachineSnapshot(value)) return null;
  const { status, value: state, context, output, error, tags } = value as unknown as Data;
  return {
    status,
    value: state,
    context,
    ...(output !== undefined && { output }),
    ...(error !== undefined && { error }),
    tags: [...tags],
  };
}

/** The inverse of `projectSnapshot`, as far as data goes. */
export function reviveSnapshot(parts: Record<string, unknown>): RecordedSnapshot {
  return new RecordedSnapshot(parts);
}

/**
 * What of an event is recorded beside its type. Snapshots of observables and callbacks carry private fields, which
 * hold live subscriptions.
 */
export function projectEvent(event: { readonly type: string }): Record<string, unknown> {
  const { type, ...data } = event as { readonly type: string; readonly snapshot?: object };
  if (!type.startsWith('xstate.snapshot.') || data.snapshot === undefined || isMachineSnapshot(data.snapshot))
    return data;
  const open = Object.entries(data.snapshot).filter(
    ([key, value]) => !key.startsWith('_') && value !== undefined,
  );
  return { ...data, snapshot: Object.fromEntries(open) };
}

/** What of an effect's parameters is recorded: for XState's own actions names instead of references. */
export function projectEffect(type: string, params: unknown): unknown {
  if (!type.startsWith('xstate.') || typeof params !== 'object' || params === null) return params;
  if (type === 'xstate.stopChild') return { actor: actorIdOf(params) };
  const { actorRef, src, ...rest } = params as { actorRef?: object; src?: unknown } & Record<string, unknown>;
  const named: Record<string, unknown> = {};
  for (const [key, value] of Object.entries(rest)) {
    if (value !== undefined) named[key] = value;
  }
  if (type === 'xstate.spawnChild') {
    named['src'] = typeof src === 'string' ? src : INLINE;
    if (actorRef !== undefined) named['id'] = actorIdOf(actorRef);
  }
  return named;
}
