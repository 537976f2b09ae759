/** Fencing tokens as resources compare them. */
import { DatabaseSync } from 'node:sqlite';
import { fc, test } from '@fast-check/vitest';
import { checkFencingToken, fenceTable, parseFencingToken } from 'conclave/fencing';
import { describe, expect } from 'vitest';

/** Few small ones among the large, so that equal ones meet. */
const tokensBelow = (limit: bigint) =>
  fc.oneof(fc.bigInt({ min: 0n, max: 4n }), fc.bigInt({ min: 0n, max: limit - 1n }));
const tokens = tokensBelow(10n ** 30n);
/** What fits into a SQL BIGINT. */
const storedTokens = tokensBelow(2n ** 63n);

describe('a token from a header', () => {
  test.prop([tokens, tokens])(
    'is admitted exactly if it is not smaller than the highest',
    (token, highest) => {
      expect(checkFencingToken(String(token), highest)).toMatchObject(
        token < highest ? { admitted: false, status: 412 } : { admitted: true, token },
      );
    },
  );

  test.prop([fc.string()])('is nothing but a whole number in decimal', (text) => {
    fc.pre(!/^\d{1,30}$/.test(text));
    expect(parseFencingToken(text)).toBeNull();
    expect(checkFencingToken(text, 0n)).toMatchObject({ admitted: false, status: 400 });
  });

  test.each(['', ' 7', '7 ', '+7', '-7', '7.0', '1e3', '0x10', '7n', '1_000', '٧', '9'.repeat(31)])(
    'is refused when it is written %j',
    (text) => expect(parseFencingToken(text)).toBeNull(),
  );

  test('that is not there, or there twice, is refused in words', () => {
    expect(checkFencingToken(undefined, 0n)).toMatchObject({ status: 428, message: /fencing-token/ });
    expect(checkFencingToken(['1', '2'], 0n)).toMatchObject({ status: 400, message: /"1","2"/ });
  });

  test('is shown in part when it is too long', () => {
    const check = checkFencingToken('x'.repeat(10_000), 0n);
    expect(check.admitted ? 0 : check.message.length).toBeLessThan(150);
  });
});

describe('a fence table', () => {
  test.prop([fc.array(fc.record({ resource: fc.constantFrom('a', 'b'), token: storedTokens }))])(
    'admits a token exactly if none of its resource was larger, and keeps the largest',
    (asked) => {
      const { create, raise } = fenceTable();
      using database = new DatabaseSync(':memory:');
      database.exec(create);
      const statement = database.prepare(raise);
      const highest: Record<string, bigint> = {};
      for (const { resource, token } of asked) {
        const admitted = token >= (highest[resource] ?? 0n);
        expect(statement.run(resource, token).changes).toBe(admitted ? 1 : 0);
        if (admitted) highest[resource] = token;
      }
      const select = database.prepare('SELECT resource, token FROM fences');
      select.setReadBigInts(true);
      const kept = select.all().map(({ resource, token }) => [resource, token]);
      expect(Object.fromEntries(kept)).toEqual(highest);
    },
  );

  test('goes by a name of letters, digits and _, with a schema in front if need be', () => {
    expect(fenceTable({ table: 'main.fences' }).create).toContain('main.fences');
    for (const table of ['', 'fences;', 'fences; DROP TABLE invoices', 'a.b.c', '"quoted"'])
      expect(() => fenceTable({ table })).toThrow('must be made of letters');
    using database = new DatabaseSync(':memory:');
    const { create, raise } = fenceTable({ table: 'main.fences' });
    database.exec(create);
    expect(database.prepare(raise).run('a', 1n).changes).toBe(1);
  });
});
