import type { StateValue } from 'xstate';
import type { Judgement, Verdict } from '../runtime/structure.ts';
import type { DifferingPart, JsonDifference } from './comparison.ts';
import type { EffectRecord, JournalRecord, Json, MachineIdentity } from './journal.ts';

/** One side of a divergence: a step as it was recorded, or as it came out. */
export interface Side {
  readonly from: StateValue | null;
  readonly to: StateValue | null;
  readonly effects: readonly EffectRecord[];
  readonly digest: string;
  /** Encoded; null where it is not known. A record carries only its digest. */
  readonly context: Json | null;
  readonly thrown: string | null;
}

/** The first record that came out differently, and everything there is to know about it. */
export interface Divergence {
  readonly stream: string;
  readonly seq: number;
  /** What the structures of the two charts say: `fine` means that named code behaves differently. */
  readonly verdict: Verdict;
  readonly part: DifferingPart;
  readonly event: JournalRecord['event'];
  readonly recorded: Side;
  readonly replayed: Side;
  /** Places where contexts differ; null unless the chart that wrote the journal was at hand. */
  readonly contextDifferences: readonly JsonDifference[] | null;
  readonly judgement: Judgement;
  /** How many records before it agreed. */
  readonly matched: number;
  readonly wall: number;
  readonly token: string | null;
  readonly recordedBy: { readonly runtime: string; readonly machine: MachineIdentity };
  readonly replayedBy: { readonly runtime: string; readonly machine: MachineIdentity };
  /** Commands that lead on. */
  readonly next: readonly string[];
}

export interface DivergenceParts extends Pick<
  Divergence,
  'part' | 'recorded' | 'replayed' | 'contextDifferences' | 'judgement' | 'matched' | 'replayedBy'
> {
  readonly record: JournalRecord;
  readonly source: string;
}

export function describeDivergence({ record, source, ...parts }: DivergenceParts): Divergence {
  const { stream, seq, event, wall, token, runtime, machine } = record;
  return {
    stream,
    seq,
    verdict: parts.judgement.verdict,
    event,
    wall,
    token,
    recordedBy: { runtime, machine },
    ...parts,
    next: [
      `conclave journal show ${source} @${seq} --stream ${stream}`,
      `conclave journal log ${source} --to @${seq} --stream ${stream}`,
    ],
  };
}

const MEANING: Readonly<Record<DifferingPart, string>> = {
  unreadable: 'the recorded event holds a value that no journal can hold, so it cannot be processed again',
  before: 'the state before it is another: a record is missing, or the journal is of another actor',
  fault: 'processing it threw on one side only',
  state: 'the chart goes to another state',
  effects: 'the chart asks for other effects',
  context: 'the context becomes another',
};

const LABEL_WIDTH = 12;
const SIDE_WIDTH = 40;

/** What the two sides are called. */
type Names = readonly [one: string, other: string];

/**
 * A divergence as people read it: both sides side by side, the first difference marked, and what to do.
 *
 * @param names What the sides are called; two charts that are compared are neither recorded nor replayed.
 * @example
 * console.log(formatDivergence(divergence));
 */
export function formatDivergence(divergence: Divergence, names: Names = ['recorded', 'replayed']): string {
  const { stream, seq, matched, recordedBy, replayedBy, event, wall, token, part, recorded, replayed } =
    divergence;
  const data = event.data === undefined ? '' : ` ${shorten(JSON.stringify(event.data), 200)}`;
  const lines = [
    `✗ diverged at ${stream}@${seq}   (${matched} ${matched === 1 ? 'record matches' : 'records match'})`,
    `  ${`${names[0]} by`.padEnd(LABEL_WIDTH)} ${by(recordedBy)}  ${new Date(wall).toISOString()}${token === null ? '' : `  token ${token}`}`,
    `  ${`${names[1]} by`.padEnd(LABEL_WIDTH)} ${by(replayedBy)}  (chart: ${divergence.verdict.toUpperCase()})`,
    `  event        ${event.type}${data}`,
    `  because      ${MEANING[part]}`,
    row(names, '', ...names),
    ...sides(
      names,
      'state',
      stateText(recorded.to, recorded.thrown),
      stateText(replayed.to, replayed.thrown),
      part === 'state' || part === 'fault',
    ),
    ...(part === 'before'
      ? sides(names, 'before', stateText(recorded.from, null), stateText(replayed.from, null), true)
      : []),
    ...effectRows(names, recorded.effects, replayed.effects, part === 'effects'),
    ...contextRows(names, divergence),
    ...divergence.judgement.differences.map(
      ({ verdict, state, what }) => `  ${'chart'.padEnd(LABEL_WIDTH)} ${verdict}: ${state}: ${what}`,
    ),
    ...divergence.next.map((command, at) => `  ${(at === 0 ? 'next' : '').padEnd(LABEL_WIDTH)} ${command}`),
  ];
  return lines.join('\n');
}

function by({ runtime, machine }: Divergence['recordedBy']): string {
  return `${runtime}  ${machine.id}${machine.version === null ? '' : `@${machine.version}`}#${machine.hash.slice(0, 8)}`;
}

function stateText(state: StateValue | null, thrown: string | null): string {
  const text = state === null ? '(none)' : typeof state === 'string' ? state : JSON.stringify(state);
  return thrown === null ? text : `${text}, threw ${thrown}`;
}

/** Where they are what differs, those before the first difference are only counted. */
function effectRows(
  names: Names,
  recorded: readonly EffectRecord[],
  replayed: readonly EffectRecord[],
  differs: boolean,
): string[] {
  const pairs = Array.from({ length: Math.max(recorded.length, replayed.length) }, (_, at) => [
    effectText(recorded[at]),
    effectText(replayed[at]),
  ]) as (readonly [string, string])[];
  const first = differs ? pairs.findIndex(([one, other]) => one !== other) : -1;
  const rows = pairs
    .slice(Math.max(first, 0))
    .map(([one, other], at) =>
      row(names, at === 0 && first <= 0 ? 'effects' : '', one, other, at === 0 && first >= 0),
    );
  const same = first === 1 ? '(1 is the same)' : `(${first} are the same)`;
  return first > 0 ? [row(names, 'effects', same, same), ...rows] : rows;
}

function effectText(effect: EffectRecord | undefined): string {
  if (effect === undefined) return '(none)';
  return effect.params === undefined ? effect.type : `${effect.type} ${JSON.stringify(effect.params)}`;
}

function contextRows(names: Names, { part, contextDifferences, recorded, replayed }: Divergence): string[] {
  if (contextDifferences !== null) {
    return contextDifferences.flatMap(({ path, recorded: was, replayed: is }, at) =>
      sides(
        names,
        at === 0 ? 'context' : '',
        `${path} ${valueText(was)}`,
        `${path} ${valueText(is)}`,
        at === 0 && part === 'context',
      ),
    );
  }
  if (part !== 'context') return [];
  return [
    ...sides(names, 'context', `digest ${recorded.digest}`, `digest ${replayed.digest}`, true),
    `  ${''.padEnd(LABEL_WIDTH)} ${names[1]}: ${shorten(JSON.stringify(replayed.context), 400)}`,
  ];
}

const valueText = (value: Json | undefined): string =>
  value === undefined ? '(absent)' : JSON.stringify(value);

function sides(names: Names, label: string, recorded: string, replayed: string, mark: boolean): string[] {
  return [row(names, label, recorded, replayed, mark)];
}

/** Two columns while both fit; what does not fit goes below each other, whole. */
function row([one, other]: Names, label: string, recorded: string, replayed: string, mark = false): string {
  const arrow = mark ? '   ← first difference' : '';
  const head = `  ${label.padEnd(LABEL_WIDTH)} `;
  if (recorded.length < SIDE_WIDTH && replayed.length < SIDE_WIDTH) {
    return `${head}${recorded.padEnd(SIDE_WIDTH)} ${replayed.padEnd(mark ? SIDE_WIDTH : 0)}${arrow}`.trimEnd();
  }
  const below = ' '.repeat(head.length);
  const width = Math.max(one.length, other.length);
  const told = [
    `${one.padEnd(width)} ${shorten(recorded, 400)}`,
    `${other.padEnd(width)} ${shorten(replayed, 400)}`,
  ];
  return `${head}${told.join(`\n${below}`)}${arrow}`;
}

const shorten = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;
