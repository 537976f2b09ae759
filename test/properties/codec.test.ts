import { fc, test } from '@fast-check/vitest';
import { describe, expect, it } from 'vitest';
import { canonicalJson, digestOf } from '../../src/journal/canonical.ts';
import { canonicalValue } from '../../src/journal/canonical-values.ts';
import type { Json } from '../../src/journal/journal.ts';
import { pointerSegments, Redactor } from '../../src/journal/secrets.ts';
import { decodeValue, encodeValue, Placeholder, VALUE_DEPTH_MAX } from '../../src/journal/values.ts';

const { values } = fc.letrec<{ values: unknown }>((tie) => ({
  values: fc.oneof(
    { depthSize: 'small', withCrossShrink: true },
    fc.anything({
      withBigInt: true,
      withDate: true,
      withMap: true,
      withSet: true,
      withTypedArray: true,
      withNullPrototype: true,
      withObjectString: true,
      maxDepth: 3,
    }),
    fc.constantFrom(undefined, -0, Number.NaN, Infinity, -Infinity, new Date(Number.NaN)),
    fc.dictionary(
      fc.constantFrom('$date', '$map', '$error', '$escaped', '$undefined', '$secret', '__proto__', 'a'),
      tie('values'),
      { maxKeys: 2 },
    ),
    fc
      .record({ message: fc.string(), code: fc.string(), data: tie('values') })
      .map(({ message, code, data }) => Object.assign(new Error(message), { code, data })),
    fc.uint8Array().map((bytes) => Buffer.from(bytes)),
    fc.uint8Array().map((bytes) => new Uint8Array(bytes).buffer),
    fc
      .tuple(fc.constantFrom('$secret' as const, '$refused' as const), fc.string())
      .map(([tag, text]) => new Placeholder(tag, text)),
    fc.array(tie('values'), { maxLength: 3 }),
  ),
}));

/** `fc.anything` makes sparse arrays never, but objects with symbols neither; holes and symbols are refused, see below. */
const json = fc.jsonValue({ maxDepth: 4 }) as fc.Arbitrary<Json>;

const throughText = (value: Json): Json => JSON.parse(JSON.stringify(value)) as Json;

describe('the codec of values', () => {
  test.prop([values])('gives back just what it was given, through text and back', (value) => {
    const encoded = encodeValue(value);
    expect(throughText(encoded)).toEqual(encoded);
    const decoded = decodeValue(throughText(encoded));
    expect(decoded).toStrictEqual(value);
    expect(encodeValue(decoded)).toEqual(encoded);
  });

  test.prop([json])(
    'leaves what JSON can carry as it is, but for objects that look like its own',
    (value) => {
      const looksLikeATag = JSON.stringify(value).includes('{"$') || JSON.stringify(value).includes('-0');
      fc.pre(!looksLikeATag && !hasMinusZero(value));
      expect(encodeValue(value)).toEqual(value);
      expect(decodeValue(value)).toEqual(value);
    },
  );

  test.prop([values, fc.infiniteStream(fc.nat())])(
    'has one canonical text for equal values, whatever the order of keys',
    (value, chance) => {
      const encoded = encodeValue(value);
      const text = canonicalJson(encoded);
      expect(canonicalJson(shuffled(encoded, chance))).toBe(text);
      expect(JSON.parse(text)).toEqual(encoded);
      expect(canonicalValue(value)).toBe(text);
      expect(digestOf(text)).toMatch(/^[0-9a-f]{32}$/);
    },
  );

  it('keeps what only toStrictEqual would miss', () => {
    const error = Object.assign(new TypeError('no'), { code: 'E', stack: 'secret place' });
    const decoded = decodeValue(encodeValue(error)) as Error & { code: string };
    expect([decoded.name, decoded.message, decoded.code, decoded.stack]).toEqual([
      'TypeError',
      'no',
      'E',
      undefined,
    ]);
    expect(JSON.stringify(encodeValue(error))).not.toContain('place');
    expect(Object.is((decodeValue(encodeValue([-0])) as number[])[0], -0)).toBe(true);
    expect(Object.getPrototypeOf(decodeValue(encodeValue(Object.create(null))))).toBeNull();
    expect((decodeValue(encodeValue(new Date(Number.NaN))) as Date).getTime()).toBeNaN();
    expect(Object.keys(decodeValue(encodeValue({ ['__proto__']: 1 })) as object)).toEqual(['__proto__']);
  });

  it.each([
    [{ a: [{ b: () => {} }] }, 'a function at /a/0/b'],
    [{ 'a/b': Symbol('x') }, 'a symbol at /a~1b'],
    [
      new (class Point {
        readonly x = 1;
      })(),
      'an instance of Point at the root of the value',
    ],
    [{ x: new URL('http://h') }, 'an instance of URL at /x'],
    [{ x: /r/ }, 'an instance of RegExp at /x'],
    [new Map([['k', () => {}]]), 'a function at /0/1'],
    // eslint-disable-next-line no-sparse-arrays -- the point
    [[1, , 2], 'a hole in an array at'],
    [{ [Symbol('s')]: 1 }, 'a property whose key is a symbol'],
  ])('refuses what no journal can hold, and says where: case %#', (value, message) => {
    expect(() => encodeValue(value)).toThrow(expect.objectContaining({ code: 'EVENT_NOT_SERIALIZABLE' }));
    expect(() => encodeValue(value)).toThrow(message);
  });

  it('refuses cycles, wide ones too, and what is nested too deep, without hanging', () => {
    const loop: Record<string, unknown> = {};
    Object.assign(loop, { one: loop, two: loop, three: [loop] });
    expect(() => encodeValue(loop)).toThrow('a cycle at /one/one');
    expect(JSON.stringify(encodeValue(loop, { onRefused: 'mark' }))).toContain('{"$refused":"a cycle"}');
    let deep: unknown = 1;
    for (let n = 0; n < VALUE_DEPTH_MAX; n += 1) deep = [deep];
    expect(decodeValue(encodeValue(deep))).toEqual(deep);
    expect(() => encodeValue([deep])).toThrow(`nested deeper than ${VALUE_DEPTH_MAX} levels`);
    let twice: unknown = 1;
    for (let n = 0; n < 40; n += 1) twice = [twice, twice];
    expect(() => encodeValue(twice)).toThrow(/more than \d+ parts/);
  });

  it('marks instead of refusing where a record must be written whatever it says', () => {
    const encoded = encodeValue({ fine: 1, bad: () => {} }, { onRefused: 'mark' });
    expect(encoded).toEqual({ fine: 1, bad: { $refused: 'a function' } });
    expect(encodeValue(decodeValue(encoded))).toEqual(encoded);
  });

  it('refuses a tag of the future', () => {
    expect(() => decodeValue({ $quaternion: [1] })).toThrow(/tag \$quaternion/);
  });
});

describe('redaction', () => {
  const objects = fc.dictionary(fc.string(), json, { minKeys: 1 });

  test.prop([objects, fc.nat()])(
    'takes out just what a pointer names, and tells equal secrets by equal hashes',
    (object, at) => {
      const keys = Object.keys(object);
      const key = keys[at % keys.length] as string;
      const pointer = `/${key.replaceAll('~', '~0').replaceAll('/', '~1')}`;
      fc.pre(key !== '*');
      const redact = (value: Json) => new Redactor([pointer], 'k').byPointer(value);
      const { json: redacted, replaced } = redact(object);
      expect(replaced).toEqual([pointer]);
      const { [key]: secret, ...rest } = redacted as Record<string, Json>;
      expect(secret).toEqual({ $secret: expect.stringMatching(/^hmac:[0-9a-f]{32}$/) as string });
      expect(rest).toEqual(Object.fromEntries(Object.entries(object).filter(([each]) => each !== key)));
      expect(redact(object)).toEqual({ json: redacted, replaced });
      expect(redact(redacted).json).toEqual(redacted);
      expect(new Redactor([pointer], 'other').byPointer(object).json).not.toEqual(redacted);
    },
  );

  it('follows * through every key, and hunts what it found through the rest of the record', () => {
    const redactor = new Redactor(['/users/*/password', '/token'], 'k');
    const { json: redacted, replaced } = redactor.byPointer({
      users: [{ password: 'hunter2' }, { password: 'swordfish' }, {}],
      token: 'x',
    });
    expect(replaced).toEqual(['/users/0/password', '/users/1/password', '/token']);
    expect(JSON.stringify(redacted)).not.toMatch(/hunter2|swordfish/);
    const { json: hunted } = redactor.byValue({ url: 'swordfish', note: 'x', text: 'swordfishes' });
    expect(hunted).toEqual({
      url: { $secret: expect.any(String) as string },
      note: 'x',
      text: 'swordfishes',
    });
  });

  it('splits pointers as RFC 6901 has it', () => {
    expect(pointerSegments('')).toEqual([]);
    expect(pointerSegments('/a~1b/m~0n//0')).toEqual(['a/b', 'm~n', '', '0']);
  });
});

function hasMinusZero(value: Json): boolean {
  if (typeof value === 'object' && value !== null)
    return Object.values(value).some((member) => hasMinusZero(member));
  return Object.is(value, -0);
}

/** Equal JSON with its keys in another order. */
function shuffled(value: Json, chance: fc.Stream<number>): Json {
  if (typeof value !== 'object' || value === null) return value;
  if (Array.isArray(value)) return value.map((item) => shuffled(item as Json, chance));
  const entries = Object.entries(value).map(
    ([key, member]) => [chance.next().value as number, key, shuffled(member, chance)] as const,
  );
  return Object.fromEntries(entries.toSorted((a, b) => a[0] - b[0]).map(([, key, member]) => [key, member]));
}
