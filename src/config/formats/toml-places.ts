/**
 * Where keys and values stand in a TOML text. The library that reads TOML does not tell, so this goes over the same
 * text once more. The text is known to be valid, therefore nothing is checked here: it only has to find the ends of
 * things, and never to run past the end of the text.
 */

interface Span {
  readonly at: number;
  readonly end: number;
}

export interface TomlPlace extends Span {
  readonly members: Map<string, { readonly key: Span; readonly value: TomlPlace }>;
  readonly items: TomlPlace[];
}

export function tomlPlaces(text: string): TomlPlace {
  return new Scan(text).document();
}

interface Key extends Span {
  readonly name: string;
}

class Scan {
  readonly #text: string;
  #at = 0;

  constructor(text: string) {
    this.#text = text;
  }

  document(): TomlPlace {
    const root = placeAt(0, this.#text.length);
    let table = root;
    for (;;) {
      this.#skip(/[\s]/);
      const first = this.#text[this.#at];
      if (first === undefined) return root;
      if (first === '[') table = this.#header(root);
      else this.#pair(table);
      // At least one character a round, whatever it is.
      if (this.#text[this.#at] === first && first !== '[') this.#at += 1;
    }
  }

  /** `[table]` or `[[table]]`; answers the table that the following pairs belong to. */
  #header(root: TomlPlace): TomlPlace {
    const isList = this.#text[this.#at + 1] === '[';
    this.#at += isList ? 2 : 1;
    const keys = this.#keys(']');
    while (this.#text[this.#at] === ']') this.#at += 1;
    const last = keys.at(-1);
    if (last === undefined) return root;
    const parent = descend(root, keys.slice(0, -1));
    const member = memberOf(parent, last);
    if (isList) {
      const item = placeAt(last.at, last.end);
      member.items.push(item);
      return item;
    }
    return member;
  }

  #pair(table: TomlPlace): void {
    const keys = this.#keys('=');
    if (this.#text[this.#at] === '=') this.#at += 1;
    this.#skip(/[ \t]/);
    const value = this.#value();
    const last = keys.at(-1);
    if (last !== undefined) descend(table, keys.slice(0, -1)).members.set(last.name, { key: last, value });
  }

  /** Keys with dots between them, up to the character that ends them. */
  #keys(stop: string): Key[] {
    const keys: Key[] = [];
    for (;;) {
      this.#skip(/[ \t.]/);
      const at = this.#at;
      const first = this.#text[at];
      if (first === undefined || first === stop || first === '\n') return keys;
      if (first === '"' || first === "'") {
        this.#quoted(first);
        keys.push({ name: nameOf(this.#text.slice(at, this.#at)), at, end: this.#at });
      } else {
        bareKey.lastIndex = at;
        const name = bareKey.exec(this.#text)?.[0] ?? '';
        this.#at += Math.max(1, name.length);
        keys.push({ name, at, end: this.#at });
      }
    }
  }

  #value(): TomlPlace {
    const at = this.#at;
    const first = this.#text[at] ?? '';
    if (first === '[') return this.#list(at);
    if (first === '{') return this.#inlineTable(at);
    if (first === '"' || first === "'") {
      const triple = first.repeat(3);
      if (this.#text.startsWith(triple, at)) this.#multiline(triple);
      else this.#quoted(first);
    } else {
      bareValue.lastIndex = at;
      this.#at += bareValue.exec(this.#text)?.[0].trimEnd().length ?? 0;
    }
    return placeAt(at, this.#at);
  }

  #list(at: number): TomlPlace {
    const items: TomlPlace[] = [];
    this.#at += 1;
    for (;;) {
      this.#skip(/[\s,]/);
      const before = this.#at;
      const first = this.#text[before];
      if (first === undefined || first === ']') {
        this.#at += 1;
        return { ...placeAt(at, this.#at), items };
      }
      items.push(this.#value());
      if (this.#at === before) this.#at += 1;
    }
  }

  #inlineTable(at: number): TomlPlace {
    const table = placeAt(at, at);
    this.#at += 1;
    for (;;) {
      this.#skip(/[\s,]/);
      const before = this.#at;
      const first = this.#text[before];
      if (first === undefined || first === '}') {
        this.#at += 1;
        return { ...table, end: this.#at };
      }
      this.#pair(table);
      if (this.#at === before) this.#at += 1;
    }
  }

  #quoted(quote: string): void {
    this.#at += 1;
    while (this.#at < this.#text.length && this.#text[this.#at] !== quote) {
      this.#at += quote === '"' && this.#text[this.#at] === '\\' ? 2 : 1;
    }
    this.#at += 1;
  }

  #multiline(triple: string): void {
    this.#at += 3;
    while (this.#at < this.#text.length && !this.#text.startsWith(triple, this.#at)) {
      this.#at += triple === '"""' && this.#text[this.#at] === '\\' ? 2 : 1;
    }
    this.#at += 3;
    // Up to two quotes may stand right before the closing three.
    while (this.#text[this.#at] === triple[0]) this.#at += 1;
  }

  /** Skips characters of this kind, and comments. */
  #skip(kind: RegExp): void {
    for (;;) {
      const character = this.#text[this.#at];
      if (character === '#') {
        const end = this.#text.indexOf('\n', this.#at);
        this.#at = end === -1 ? this.#text.length : end;
      } else if (character !== undefined && kind.test(character)) this.#at += 1;
      else return;
    }
  }
}

const bareKey = /[\p{L}\p{N}_-]+/uy;
const bareValue = /[^,\]}#\n]*/y;

function placeAt(at: number, end: number): TomlPlace {
  return { at, end, members: new Map(), items: [] };
}

/** Follows keys to a table, through the newest item of a list of tables. */
function descend(from: TomlPlace, keys: readonly Key[]): TomlPlace {
  let place = from;
  for (const key of keys) {
    const next = memberOf(place, key);
    place = next.items.at(-1) ?? next;
  }
  return place;
}

function memberOf(table: TomlPlace, key: Key): TomlPlace {
  const existing = table.members.get(key.name);
  if (existing !== undefined) return existing.value;
  const value = placeAt(key.at, key.end);
  table.members.set(key.name, { key, value });
  return value;
}

const escapes: Readonly<Record<string, string>> = {
  b: '\b',
  t: '\t',
  n: '\n',
  f: '\f',
  r: '\r',
  e: '\u001B',
  '"': '"',
  '\\': '\\',
};

/** What a quoted key says. */
function nameOf(quoted: string): string {
  const inside = quoted.slice(1, -1);
  if (quoted.startsWith("'")) return inside;
  return inside.replaceAll(
    /\\(?:u([0-9a-f]{4})|U([0-9a-f]{8})|x([0-9a-f]{2})|(.))/gi,
    (_, short?: string, long?: string, byte?: string, letter?: string) => {
      if (letter !== undefined) return escapes[letter] ?? letter;
      return String.fromCodePoint(Number.parseInt(short ?? long ?? byte ?? '0', 16));
    },
  );
}
