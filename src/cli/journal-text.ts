import type { StateValue } from 'xstate';
import type { EffectRecord, JournalRecord, Json } from '../journal/journal.ts';
import { formatDuration } from './duration-text.ts';

/** Records as people read them. */

/** The state of a chart as one word: `leader.held`; regions side by side are joined by `+`; `·` where there is none. */
export function stateText(value: StateValue | null): string {
  if (value === null) return '·';
  if (typeof value === 'string') return value;
  const states = Object.entries(value).map(([state, inner]) => {
    const within = inner === undefined ? '·' : stateText(inner);
    return within === '·' ? state : `${state}.${within}`;
  });
  return states.length === 0 ? '·' : states.join('+');
}

/** `leader.renewing → leader.held`, or the one state it stayed in. */
export function transitionText({ from, to }: JournalRecord): string {
  const [before, after] = [stateText(from), stateText(to)];
  if (to === null) return before === '·' ? '' : before;
  return before === after || from === null ? after : `${before} → ${after}`;
}

/** XState names its timers after the state they belong to; the delay's own name says enough. */
export function eventText(type: string): string {
  const known = EVENT_TEXTS.get(type);
  if (known !== undefined) return known;
  const text = eventTextOf(type);
  if (EVENT_TEXTS.size < EVENT_TEXTS_MAX) EVENT_TEXTS.set(type, text);
  return text;
}

/** A chart has few kinds of events, and a journal many records of each. */
const EVENT_TEXTS = new Map<string, string>();
const EVENT_TEXTS_MAX = 1000;

function eventTextOf(type: string): string {
  const [, kind, name = ''] = /^xstate\.(after|done\.actor|done\.state|error\.actor)\.(.+)$/.exec(type) ?? [];
  if (kind === 'after') return `after ${name.slice(0, name.indexOf('.'))}`;
  if (kind !== undefined) return `${kind.split('.')[0]} ${name}`;
  return type;
}

/** What was asked for, without what XState does to keep its timers. */
export function effectsText(effects: readonly EffectRecord[]): string {
  return effects.flatMap((effect) => effectText(effect) ?? []).join(', ');
}

function effectText({ type, params }: EffectRecord): string | null {
  if (type === 'xstate.cancel') return null;
  const { event, delay } = (params ?? {}) as {
    readonly event?: { readonly type?: string };
    readonly delay?: number;
  };
  const about = event?.type ?? '';
  if (type === 'xstate.raise' && about.startsWith('xstate.after.'))
    return `${eventText(about)}${delay === undefined ? '' : ` (${formatDuration(delay)})`}`;
  if (type.startsWith('xstate.')) return `${type.slice('xstate.'.length)} ${about}`.trim();
  return type;
}

/** What passed since the record before: monotonic time within one boot, else what the wall clocks say. */
export function sinceMs(record: JournalRecord, before: JournalRecord | null): number | null {
  if (before === null) return null;
  return record.boot === before.boot ? record.mono - before.mono : record.wall - before.wall;
}

/** One record on one line: number, time since the one before, kind, states, event, effects, token. */
export function logLine(record: JournalRecord, before: JournalRecord | null): string {
  const since = sinceMs(record, before);
  const token = record.token !== null && record.token !== before?.token ? `  token ${record.token}` : '';
  const effects = effectsText(record.effects);
  return [
    String(record.seq).padStart(6),
    (since === null ? '' : `+${since.toFixed(3)}`).padStart(12),
    record.kind.padEnd(7),
    transitionText(record).padEnd(44),
    eventText(record.event.type).padEnd(22),
    effects === '' ? '' : `/ ${effects}`,
  ]
    .join('  ')
    .concat(token)
    .trimEnd();
}

/** Indented JSON, one member a line. */
export function pretty(value: Json | undefined, indent: string): string {
  if (value === undefined) return `${indent}(none)`;
  return JSON.stringify(value, null, 2)
    .split('\n')
    .map((line) => indent + line)
    .join('\n');
}
