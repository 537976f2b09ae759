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

/**
 * A divergence as people read it: recorded and replayed side by side, the first difference marked, and what to do.
 *
 * @example
 * console.log(formatDivergence(divergence));
 */
export function formatDivergence(divergence: Divergence): string {
  const { stream, seq, matched, recordedBy, replayedBy, event, wall, token, part, recorded, replayed } =
    divergence;
  const data = event.data === undefined ? '' : ` ${shorten(JSON.stringify(event.data), 200)}`;
  const lines = [
    `✗ diverged at ${stream}@${seq}   (${matched} ${matched === 1 ? 'record matches' : 'records match'})`,
    `  recorded by  ${by(recordedBy)}  ${new Date(wall).toISOString()}${token === null ? '' : `  token ${token}`}`,
    `  replayed by  ${by(replayedBy)}  (chart: ${divergence.verdict.toUpperCase()})`,
    `  event        ${event.type}${data}`,
    `  because      ${MEANING[part]}`,
    row('', 'recorded', 'replayed'),
    ...sides(
      'state',
      stateText(recorded.to, recorded.thrown),
      stateText(replayed.to, replayed.thrown),
      part === 'state' || part === 'fault',
    ),
    ...(part === 'before'
      ? sides('before', stateText(recorded.from, null), stateText(replayed.from, null), true)
      : []),
    ...effectRows(recorded.effects, replayed.effects, part === 'effects'),
    ...contextRows(divergence),
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

function effectRows(
  recorded: readonly EffectRecord[],
  replayed: readonly EffectRecord[],
  differs: boolean,
): string[] {
  const rows = Math.max(recorded.length, replayed.length);
  let marked = !differs;
  return Array.from({ length: rows }, (_, at) => {
    const [one, other] = [effectText(recorded[at]), effectText(replayed[at])];
    const mark = !marked && one !== other;
    marked ||= mark;
    return row(at === 0 ? 'effects' : '', one, other, mark);
  });
}

function effectText(effect: EffectRecord | undefined): string {
  if (effect === undefined) return '(none)';
  return effect.params === undefined ? effect.type : `${effect.type} ${JSON.stringify(effect.params)}`;
}

function contextRows({ part, contextDifferences, recorded, replayed }: Divergence): string[] {
  if (contextDifferences !== null) {
    return contextDifferences.flatMap(({ path, recorded: was, replayed: is }, at) =>
      sides(
        at === 0 ? 'context' : '',
        `${path} ${valueText(was)}`,
        `${path} ${valueText(is)}`,
        at === 0 && part === 'context',
      ),
    );
  }
  if (part !== 'context') return [];
  return [
    ...sides('context', `digest ${recorded.digest}`, `digest ${replayed.digest}`, true),
    `  ${''.padEnd(LABEL_WIDTH)} replayed: ${shorten(JSON.stringify(replayed.context), 400)}`,
  ];
}

const valueText = (value: Json | undefined): string =>
  value === undefined ? '(absent)' : JSON.stringify(value);

function sides(label: string, recorded: string, replayed: string, mark: boolean): string[] {
  return [row(label, recorded, replayed, mark)];
}

/** Two columns while both fit; what does not fit goes below each other, whole. */
function row(label: string, recorded: string, replayed: string, mark = false): string {
  const arrow = mark ? '   ← first difference' : '';
  const head = `  ${label.padEnd(LABEL_WIDTH)} `;
  if (recorded.length < SIDE_WIDTH && replayed.length < SIDE_WIDTH) {
    return `${head}${recorded.padEnd(SIDE_WIDTH)} ${replayed.padEnd(mark ? SIDE_WIDTH : 0)}${arrow}`.trimEnd();
  }
  const below = ' '.repeat(head.length);
  return `${head}recorded ${shorten(recorded, 400)}\n${below}replayed ${shorten(replayed, 400)}${arrow}`;
}

const shorten = (text: string, length: number): string =>
  text.length > length ? `${text.slice(0, length - 1)}…` : text;
