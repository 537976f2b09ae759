import { effectsText } from '../../src/cli/journal-text.ts';
import type { EffectRecord, JournalRecord, RecordKind } from '../../src/journal/journal.ts';
import { JOURNAL_FORMAT } from '../../src/journal/journal.ts';
import { ByteCursor, literal, Shared, Unusual } from './byte-cursor.ts';
import { isFollowed, type SlimRecord, tellsInForce } from './slim.ts';

/**
 * Takes from a record's bytes what the timeline needs, without making the rest: a tenth of the work of `JSON.parse`,
 * which a journal of hundreds of megabytes feels. It reads only the very form in which journals are written, field by
 * field; for a line in any other form it says so, and that one is parsed.
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
const TOKEN_KEY = literal('"token":');

const [QUOTE, COMMA, OPEN, CLOSE, END_OF_LIST, NULL] = literal('",{}]n');

const NO_EFFECTS: readonly EffectRecord[] = [];
/** What is remembered, so that texts that are never the same twice do not fill the memory. */
const TEXTS_MAX = 8192;
const DELAYS_MAX = 256;

type Params = NonNullable<EffectRecord['params']>;

export class RecordScanner {
  readonly #cursor = new ByteCursor();
  readonly #streams = new Shared((text) => text, { repeats: true });
  readonly #kinds = new Shared((text) => text as RecordKind);
  readonly #machines = new Shared((text) => JSON.parse(text) as JournalRecord['machine']);
  readonly #runtimes = new Shared((text) => text, { repeats: true });
  readonly #boots = new Shared((text) => text, { repeats: true });
  readonly #writers = new Shared((text) => text, { repeats: true });
  readonly #tokens = new Shared((text) => text, { repeats: true });
  readonly #states = new Shared((text) => JSON.parse(text) as JournalRecord['from']);
  readonly #events = new Shared((type): JournalRecord['event'] => ({ type }));
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
    const stream = cursor.take(STREAM).string(this.#streams);
    const seq = cursor.take(SEQ).number();
    const kind = cursor.take(KIND).string(this.#kinds);
    // Its event holds a state, which is needed.
    if (kind === 'trimmed') throw new Unusual();
    const machine = cursor.take(MACHINE).value(this.#machines);
    const runtime = cursor.take(RUNTIME).string(this.#runtimes);
    const wall = cursor.take(WALL).number();
    const mono = cursor.take(MONO).number();
    const boot = cursor.take(BOOT).string(this.#boots);
    const writer = cursor.take(WRITER).string(this.#writers);
    const token = this.#token();
    const event = this.#event();
    cursor.take(SOURCE).skipString();
    const from = cursor.take(FROM).value(this.#states);
    const to = cursor.take(TO).value(this.#states);
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
      // These three are only ever looked at in the whole record.
      source: 'external',
      digest: '',
      prev: '',
      from,
      to,
      effects,
      effectsText: text,
    };
  }

  #token(): string | null {
    const cursor = this.#cursor.take(TOKEN);
    if (cursor.next === QUOTE) return cursor.skip(1).string(this.#tokens);
    if (cursor.next !== NULL) throw new Unusual();
    cursor.skipValue();
    return null;
  }

  #event(): JournalRecord['event'] {
    const cursor = this.#cursor;
    const bare = cursor.take(EVENT).string(this.#events);
    if (!cursor.has(DATA)) return bare;
    if (cursor.next !== OPEN) {
      cursor.skipValue();
      return bare;
    }
    let token: string | null = null;
    do {
      cursor.skip(1);
      // An object without a member.
      if (cursor.next === CLOSE) break;
      if (cursor.has(TOKEN_KEY)) {
        if (cursor.next === QUOTE) {
          token = cursor.skip(1).string(this.#tokens);
          continue;
        }
      } else cursor.skip(1).skipString().skip(1);
      cursor.skipValue();
    } while (cursor.next === COMMA);
    if (cursor.next !== CLOSE) throw new Unusual();
    cursor.skip(1);
    return token === null ? bare : { type: bare.type, data: { token } };
  }
}

/** What the list says of an effect, and the effect if it is followed. */
interface Told {
  readonly text: string;
  readonly followed: EffectRecord | null;
}

const told = (effect: EffectRecord): Told => ({
  text: effectsText([effect]),
  followed: isFollowed(effect.type) || tellsInForce(effect) ? effect : null,
});

class EffectScanner {
  readonly #cursor: ByteCursor;
  readonly #bare = new Shared((type) => told({ id: '', type }));
  readonly #types = new Shared((type) => type);
  readonly #raised = new Shared((type) => new Delays(type));
  readonly #emitted = new Shared((text) =>
    told({ id: '', type: 'xstate.emit', params: JSON.parse(text) as Params }),
  );
  /** Each text once. */
  readonly #texts = new Map<string, string>();

  constructor(cursor: ByteCursor) {
    this.#cursor = cursor;
  }

  list(): { readonly effects: readonly EffectRecord[]; readonly text: string } {
    const cursor = this.#cursor.take(EFFECTS);
    const effects: EffectRecord[] = [];
    let text = '';
    for (let at = 0; cursor.next !== END_OF_LIST; at += 1) {
      if (at > 0) cursor.expect(COMMA);
      cursor.take(EFFECT).skipString();
      const one = this.#one();
      cursor.expect(CLOSE);
      if (one.text !== '') text += text === '' ? one.text : `, ${one.text}`;
      if (one.followed !== null) effects.push(one.followed);
    }
    cursor.skip(1);
    const known = this.#texts.get(text);
    if (known === undefined && this.#texts.size < TEXTS_MAX) this.#texts.set(text, text);
    return { effects: effects.length === 0 ? NO_EFFECTS : effects, text: known ?? text };
  }

  #one(): Told {
    const cursor = this.#cursor.take(TYPE);
    const start = cursor.at;
    const type = cursor.string(this.#types);
    if (!cursor.has(PARAMS)) return cursor.back(start).string(this.#bare);
    if (type === 'xstate.emit') return cursor.value(this.#emitted);
    if (type === 'xstate.raise') return this.#raise() ?? this.#whole(type);
    if (isFollowed(type)) return { text: type, followed: { id: '', type, params: cursor.parse() as Params } };
    cursor.skipValue();
    // Parameters of XState's own effects are in their texts; of these there are few.
    if (type.startsWith('xstate.') && type !== 'xstate.cancel') throw new Unusual();
    return this.#plain(type);
  }

  readonly #known = new Map<string, Told>();

  #plain(type: string): Told {
    const known = this.#known.get(type) ?? told({ id: '', type });
    if (this.#known.size < TEXTS_MAX) this.#known.set(type, known);
    return known;
  }

  #whole(type: string): Told {
    return told({ id: '', type, params: this.#cursor.parse() as Params });
  }

  /** A timer that is set: its event, and the time until then. */
  #raise(): Told | null {
    const cursor = this.#cursor;
    const start = cursor.at;
    if (cursor.has(RAISED)) {
      const delays = cursor.string(this.#raised);
      if (cursor.has(RAISED_ID) && cursor.skipString().has(DELAY)) {
        const delay = cursor.number();
        if (cursor.next === CLOSE) {
          cursor.skip(1);
          return delays.told(delay);
        }
      }
    }
    cursor.back(start);
    return null;
  }
}

/** What is said of one timer; its times are often the same. */
class Delays {
  readonly #type: string;
  readonly #known = new Map<number, Told>();

  constructor(type: string) {
    this.#type = type;
  }

  told(delay: number): Told {
    const known = this.#known.get(delay);
    if (known !== undefined) return known;
    const made = told({ id: '', type: 'xstate.raise', params: { event: { type: this.#type }, delay } });
    if (this.#known.size < DELAYS_MAX) this.#known.set(delay, made);
    return made;
  }
}
