import { effectsText } from '../../src/cli/journal-text.ts';
import type { EffectRecord, JournalRecord } from '../../src/journal/journal.ts';
import { IN_FORCE, TURNS } from './phases.ts';

/** What the timeline needs of a record; the whole is read again when somebody looks at it. */
export interface SlimRecord extends JournalRecord {
  /** What the list says of all effects; `effects` has only those that a term or a configuration is followed by. */
  readonly effectsText: string;
}

/** Effects by which a term is followed. */
const OF_TERM: ReadonlySet<string> = new Set(['openTerm', 'extendTerm', 'closeTerm', 'awaitJournal']);

/** Whether an effect is followed, whatever its parameters are. */
export const isFollowed = (type: string): boolean => OF_TERM.has(type) || TURNS.has(type);

/** Whether an effect tells of the configuration in force. */
export function tellsInForce({ type, params }: EffectRecord): boolean {
  const { event } = (params ?? {}) as { readonly event?: { readonly type?: string } };
  return type === 'xstate.emit' && IN_FORCE.has(event?.type ?? '');
}

export function slim(record: JournalRecord): SlimRecord {
  const { token, snapshot } = (record.event.data ?? {}) as {
    readonly token?: unknown;
    readonly snapshot?: unknown;
  };
  const data = record.kind === 'trimmed' ? { snapshot } : typeof token === 'string' ? { token } : undefined;
  return {
    ...record,
    event: { type: record.event.type, ...(data !== undefined && { data }) } as JournalRecord['event'],
    effects: record.effects.filter((effect) => isFollowed(effect.type) || tellsInForce(effect)),
    effectsText: effectsText(record.effects),
  };
}
