import { effectsText } from '../../src/cli/journal-text.ts';
import type { EffectRecord, JournalRecord, RecordKind } from '../../src/journal/journal.ts';
import { JOURNAL_FORMAT } from '../../src/journal/journal.ts';
import { ByteCursor, literal, Pieces, Unusual } from './byte-cursor.ts';
import { isFollowed, type SlimRecord, tellsInForce } from './slim.ts';

/**
 * Takes from a record's bytes what the timeline needs, without making the rest: a twentieth of the work of
 * `JSON.parse`, which a journal of hundreds of megabytes feels. Between the few numbers in which lines differ there are
 * pieces that come again and again; these are known by their bytes. It reads only the very form in which journals are
 * written, field by field; for a line in any other form it says so, and that one is parsed.
 */

const STREAM = literal(`{"v":${JOURNAL_FORMAT},"stream":"`);
const SEQ = literal(',"seq":');
const KIND = literal(',"kind":"');
const MACHINE = literal(',"machine":');
const RUNTIME = literal(',"runtime":"');
const WALL = literal(',"wall":');
const MONO = literal(',"mono":');
const BOOT = literal(',"boot":"');
const WRITER = literal(',"writer":"');
const TOKEN = literal(',"token":');
const EVENT = literal(',"event":{"type":"');
const DATA = literal(',"data":');
const SOURCE = literal('},"source":"');
const FROM = literal(',"from":');
const TO = literal(',"to":');
const EFFECTS = literal(',"effects":[');
const EFFECT = literal('{"id":"');
const TYPE = literal(',"type":"');
const PARAMS = literal(',"params":');
const DIGEST = literal(',"digest":"');
const RAISED = literal('{"event":{"type":"');
const RAISED_ID = literal('},"id":"');
const DELAY = literal(',"delay":');
const TOKEN_KEY = literal('"token":"');
const VALID_UNTIL = literal('{"validUntil":');
const VALID_UNTIL_WALL = literal(',"validUntilWall":');

const [COMMA, OPEN, CLOSE, END_OF_LIST] = [0x2c, 0x7b, 0x7d, 0x5d];

const NO_EFFECTS: readonly EffectRecord[] = [];
/** What is remembered of one thing, so that texts that are never the same twice do not fill the memory. */
const TEXTS_MAX = 1000;

type Params = NonNullable<EffectRecord['params']>;

/** The object that a piece is a part of. */
const within = (before: string, piece: string, after: string): unknown => JSON.parse(before + piece + after);

type Kind = Pick<JournalRecord, 'kind' | 'machine' | 'runtime'>;
type Writer = Pick<JournalRecord, 'boot' | 'writer' | 'token'>;
type States = Pick<JournalRecord, 'source' | 'from' | 'to'>;

export class RecordScanner {
  readonly #cursor = new ByteCursor();
  readonly #streams = new Pieces<string>(
    (cursor) => cursor.take(STREAM).skipString().take(SEQ),
    (text) => (within('', text, '0}') as JournalRecord).stream,
  );
  readonly #kinds = new Pieces<Kind>(
    (cursor) => cursor.take(KIND).skipString().take(MACHINE).skipValue().take(RUNTIME).skipString(),
    (text) => kindOf(within('{"":0', text, '}') as Kind),
  );
  readonly #writers = new Pieces<Writer>(
    (cursor) => cursor.take(BOOT).skipString().take(WRITER).skipString().take(TOKEN).skipValue(),
    (text) => writerOf(within('{"":0', text, '}') as Writer),
  );
  readonly #events = new Pieces<JournalRecord['event']>(
    (cursor) => cursor.take(EVENT).skipString(),
    (text) => (within('{"":0', text, '}}') as JournalRecord).event,
  );
  readonly #tokens = new Pieces<{ readonly token: string }>(
    (cursor) => cursor.take(TOKEN_KEY).skipString(),
    (text) => within('{', text, '}') as { token: string },
  );
  readonly #states = new Pieces<States>(
    (cursor) => cursor.take(SOURCE).skipString().take(FROM).skipValue().take(TO).skipValue().take(EFFECTS),
    (text) => within('{"":{', text, ']}') as States,
  );
  readonly #effects = new EffectScanner(this.#cursor);

  /** What `slim` leaves of the record between two offsets; null for a line that has to be parsed. */
  record(bytes: Uint8Array, start: number, end: number): SlimRecord | null {
    try {
      this.#cursor.reset(bytes, start, end);
      return this.#record();
    } catch (error) {
      // JSON that is none is told by whoever parses the line.
      if (error instanceof Unusual || error instanceof SyntaxError) return null;
      throw error;
    }
  }

  #record(): SlimRecord {
    const cursor = this.#cursor;
    const stream = this.#streams.take(cursor);
    const seq = cursor.number();
    const { kind, machine, runtime } = this.#kinds.take(cursor);
    const wall = cursor.take(WALL).number();
    const mono = cursor.take(MONO).number();
    const { boot, writer, token } = this.#writers.take(cursor);
    const event = this.#event();
    const { source, from, to } = this.#states.take(cursor);
    const { effects, text } = this.#effects.list();
    cursor.take(DIGEST);
    return {
      v: JOURNAL_FORMAT,
      stream,
      seq,
      kind,
      machine,
      runtime,
      wall,
      mono,
      boot,
      writer,
      token,
      event,
      source,
      // These two are only ever looked at in the whole record.
      digest: '',
      prev: '',
      from,
      to,
      effects,
      effectsText: text,
    };
  }

  #event(): JournalRecord['event'] {
    const cursor = this.#cursor;
    const bare = this.#events.take(cursor);
    if (!cursor.has(DATA)) return bare;
    if (cursor.next !== OPEN) {
      cursor.skipValue();
      return bare;
    }
    let data: { readonly token: string } | null = null;
    do {
      cursor.skip(1);
      // An object without a member.
      if (cursor.next === CLOSE) break;
      const start = cursor.at;
      if (cursor.has(TOKEN_KEY)) data = this.#tokens.take(cursor.back(start));
      else cursor.skip(1).skipString().skip(1).skipValue();
    } while (cursor.next === COMMA);
    if (cursor.next !== CLOSE) throw new Unusual();
    cursor.skip(1);
    return data === null ? bare : { type: bare.type, data };
  }
}

/** What was trimmed away stands in its event, which is needed whole; a chart without a name is told of elsewhere. */
function kindOf(kind: Kind): Kind {
  if (kind.kind === ('trimmed' satisfies RecordKind)) throw new Unusual();
  if (typeof (kind.machine as Partial<Kind['machine']> | null)?.id !== 'string') throw new Unusual();
  return kind;
}

function writerOf(writer: Writer): Writer {
  if (writer.token !== null && typeof writer.token !== 'string') throw new Unusual();
  return writer;
}

/** What the list says of an effect, and the effect if it is followed. */
interface Told {
  readonly text: string;
  readonly followed: EffectRecord | null;
}

function told(effect: EffectRecord): Told {
  const isLookedAt = isFollowed(effect.type) || tellsInForce(effect);
  return { text: effectsText([effect]), followed: isLookedAt ? effect : null };
}

/** One type of effect, and how its parameters are read. */
interface EffectType {
  readonly type: string;
  readonly bare: Told;
  readonly params: 'timer' | 'term' | 'repeated' | 'followed' | 'untold';
}

function effectType(type: string): EffectType {
  const bare = told({ id: '', type });
  if (type === 'xstate.raise') return { type, bare, params: 'timer' };
  if (type === 'extendTerm') return { type, bare, params: 'term' };
  if (isFollowed(type)) return { type, bare, params: 'followed' };
  // Parameters of XState's own effects are in their texts.
  return { type, bare, params: type.startsWith('xstate.') ? 'repeated' : 'untold' };
}

class EffectScanner {
  readonly #cursor: ByteCursor;
  readonly #types = new Pieces<EffectType>(
    (cursor) => cursor.take(TYPE).skipString(),
    (text) => effectType((within('{"":0', text, '}') as EffectRecord).type),
  );
  readonly #repeated = new Pieces<Told>(
    (cursor) => cursor.take(TYPE).skipString().take(PARAMS).skipValue(),
    (text) => told(within('{"id":""', text, '}') as EffectRecord),
  );
  readonly #timers = new Pieces<Timer>(
    (cursor) => cursor.take(RAISED).skipString().take(RAISED_ID).skipString().take(DELAY),
    (text) => new Timer((within('', text, '0}') as Pick<JournalRecord, 'event'>).event.type),
  );
  /** What is said of no effect, from which all other texts are come to. */
  readonly #nothing = new Said('');

  constructor(cursor: ByteCursor) {
    this.#cursor = cursor;
  }

  /** What is left of the list of effects. */
  list(): { readonly effects: readonly EffectRecord[]; readonly text: string } {
    const cursor = this.#cursor;
    let effects: EffectRecord[] | null = null;
    let said = this.#nothing;
    for (let at = 0; cursor.next !== END_OF_LIST; at += 1) {
      if (at > 0) cursor.expect(COMMA);
      cursor.take(EFFECT).skipString();
      const one = this.#one();
      cursor.expect(CLOSE);
      if (one.text !== '') said = said.and(one.text);
      if (one.followed !== null) (effects ??= []).push(one.followed);
    }
    cursor.skip(1);
    return { effects: effects ?? NO_EFFECTS, text: said.text };
  }

  #one(): Told {
    const cursor = this.#cursor;
    const start = cursor.at;
    const { type, bare, params } = this.#types.take(cursor);
    if (!cursor.has(PARAMS)) return bare;
    switch (params) {
      case 'timer': {
        const timer = this.#timers.take(cursor);
        const delay = cursor.number();
        cursor.expect(CLOSE);
        return timer.told(delay);
      }
      case 'term':
        return { text: bare.text, followed: { id: '', type, params: this.#term() } };
      case 'followed':
        return { text: bare.text, followed: { id: '', type, params: cursor.parse() as Params } };
      case 'repeated':
        return this.#repeated.take(cursor.back(start));
      case 'untold':
        cursor.skipValue();
        return bare;
    }
  }

  /** Until when a term is valid now: most of what leaders write. */
  #term(): Params {
    const cursor = this.#cursor.take(VALID_UNTIL);
    const validUntil = cursor.number();
    const validUntilWall = cursor.take(VALID_UNTIL_WALL).number();
    cursor.expect(CLOSE);
    return { validUntil, validUntilWall };
  }
}

/** What the list says of some effects in a row: each such text is made once. */
class Said {
  readonly text: string;
  readonly #next = new Map<string, Said>();

  constructor(text: string) {
    this.text = text;
  }

  and(effect: string): Said {
    const known = this.#next.get(effect);
    if (known !== undefined) return known;
    const next = new Said(this.text === '' ? effect : `${this.text}, ${effect}`);
    if (this.#next.size < TEXTS_MAX) this.#next.set(effect, next);
    return next;
  }
}

/** What is said of one timer that is set: its event, and the time until then in no more than three digits. */
class Timer {
  readonly #type: string;
  /** By whole milliseconds; null where the text changes before the next. */
  readonly #known = new Map<number, Told | null>();

  constructor(type: string) {
    this.#type = type;
  }

  told(delay: number): Told {
    const before = Math.floor(delay);
    const known = this.#known.get(before);
    if (known) return known;
    const made = this.#make(delay);
    if (known === undefined && this.#known.size < TEXTS_MAX) {
      const isSame = [before, before + 1].every((each) => this.#make(each).text === made.text);
      this.#known.set(before, isSame ? made : null);
    }
    return made;
  }

  #make(delay: number): Told {
    return told({ id: '', type: 'xstate.raise', params: { event: { type: this.#type }, delay } });
  }
}
