import * as fc from 'fast-check';
import { beforeAll, describe, expect, test } from 'vitest';
import { JournalError } from '../../src/errors.ts';
import { crc32c } from '../../src/journal/durable-crc32c.ts';
import type { JournalRecord } from '../../src/journal/journal.ts';
import { encodeFrame, FrameScanner, LINE_BYTES_MAX } from '../../src/journal/jsonl-frame.ts';
import { readOrRefusal, recordsIn, sampleExport, sampleLive } from '../contracts/journal-samples.ts';

/** One bit low and high, the bit between upper and lower case, one that makes UTF-8 invalid, all bits. */
const MASKS = [0x01, 0x02, 0x10, 0x20, 0x80, 0xff];

function flipped(bytes: Buffer, at: number, mask: number): Buffer {
  const copy = Buffer.from(bytes);
  copy[at] = (copy[at] ?? 0) ^ mask;
  return copy;
}

/** Refused as damaged, with a message that names a byte and a line. */
function expectDamage(result: readonly JournalRecord[] | Error, what: string): void {
  if (!(result instanceof JournalError)) return expect.fail(`${what}: was read`);
  expect([what, ['JOURNAL_CORRUPT', 'JOURNAL_TRUNCATED'].includes(result.code)]).toEqual([what, true]);
  expect(result.place).toMatch(/byte \d+, line \d+/);
}

describe('an exported journal', () => {
  let bytes: Buffer;
  let records: JournalRecord[];
  beforeAll(async () => {
    bytes = await sampleExport(4);
    records = await recordsIn(bytes);
  });

  test('is refused with the place when any byte of it is another', async () => {
    for (let at = 0; at < bytes.length; at += 1) {
      for (const mask of MASKS) {
        expectDamage(await readOrRefusal(flipped(bytes, at, mask)), `byte ${at} xor ${mask}`);
      }
    }
  });

  test('is refused as truncated wherever it is cut', async () => {
    for (let length = 0; length < bytes.length; length += 1) {
      expect(await readOrRefusal(bytes.subarray(0, length))).toMatchObject({ code: 'JOURNAL_TRUNCATED' });
    }
  });

  test('is refused whatever is put in, taken out or put elsewhere', async () => {
    const place = fc.nat(bytes.length - 1);
    const change = fc.oneof(
      fc
        .tuple(place, fc.uint8Array({ minLength: 1, maxLength: 40 }))
        .map(([at, more]) => Buffer.concat([bytes.subarray(0, at), more, bytes.subarray(at)])),
      fc
        .tuple(place, place)
        .map(([a, b]) =>
          Buffer.concat([bytes.subarray(0, Math.min(a, b)), bytes.subarray(Math.max(a, b) + 1)]),
        ),
      fc.tuple(place, fc.uint8Array({ minLength: 1, maxLength: 40 })).map(([at, other]) => {
        const copy = Buffer.from(bytes);
        copy.set(other.subarray(0, copy.length - at), at);
        return copy;
      }),
    );
    await fc.assert(
      fc.asyncProperty(change, async (changed) => {
        fc.pre(!changed.equals(bytes));
        expectDamage(await readOrRefusal(changed), 'changed');
      }),
      { numRuns: 1500 },
    );
  });

  test('is refused when whole lines are missing, doubled or exchanged', async () => {
    const lines = bytes.toString('latin1').split(/(?<=\n)/);
    const variants = lines.flatMap((line, at) => [
      lines.toSpliced(at, 1),
      lines.toSpliced(at, 0, line),
      at === 0 ? lines.toReversed() : lines.with(at, lines[at - 1] ?? '').with(at - 1, line),
    ]);
    for (const variant of variants) {
      expectDamage(await readOrRefusal(Buffer.from(variant.join(''), 'latin1')), 'lines');
    }
  });

  test('is refused with anything behind its end', async () => {
    for (const more of ['x', '\n', '5 00000000 {', bytes.toString('latin1')]) {
      expectDamage(
        await readOrRefusal(Buffer.concat([bytes, Buffer.from(more, 'latin1')])),
        JSON.stringify(more),
      );
    }
  });

  test('tells what programs do to text files', async () => {
    const crlf = Buffer.from(bytes.toString('latin1').replaceAll('\n', '\r\n'), 'latin1');
    expect(await readOrRefusal(crlf)).toMatchObject({
      message: expect.stringContaining('line endings') as string,
    });
    const marked = Buffer.concat([Buffer.from([0xef, 0xbb, 0xbf]), bytes]);
    expect(await readOrRefusal(marked)).toMatchObject({
      message: expect.stringContaining('byte order mark') as string,
    });
  });

  test('reads the same in whatever pieces it arrives', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(bytes.length), { maxLength: 60 }), async (cuts) => {
        const ends = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const pieces = ends.slice(1).map((end, at) => bytes.subarray(ends[at], end));
        expect(await recordsIn(pieces)).toEqual(records);
      }),
      { numRuns: 200 },
    );
  });
});

describe('a live journal', () => {
  let bytes: Buffer;
  let records: JournalRecord[];
  /** Where each line begins, and the end. */
  let starts: number[];
  beforeAll(async () => {
    bytes = await sampleLive(5);
    records = await recordsIn(bytes);
    starts = [0];
    for (let at = bytes.indexOf(10); at >= 0; at = bytes.indexOf(10, at + 1)) starts.push(at + 1);
  });

  test('cut anywhere behind its header is read up to its last whole line', async () => {
    for (let length = starts[1] ?? 0; length <= bytes.length; length += 1) {
      // A line that lacks only its newline is whole.
      const whole = starts.filter((start) => start > 0 && start <= length + 1).length - 1;
      expect(await readOrRefusal(bytes.subarray(0, length))).toEqual(records.slice(0, whole));
    }
  });

  test('with a tail of zeros, as a power cut leaves one, is read up to its last whole line', async () => {
    const last = starts.at(-3) ?? 0;
    for (let length = last; length < bytes.length; length += 1) {
      const zeroed = Buffer.concat([bytes.subarray(0, length), Buffer.alloc(bytes.length - length)]);
      const read = await readOrRefusal(zeroed);
      // Zeros behind a newline of the line before are damage only where a newline follows them; here none does.
      expect(read).toEqual(records.slice(0, (read as JournalRecord[]).length));
    }
  });

  test('never reads a changed byte as something that was not written', async () => {
    for (let at = 0; at < bytes.length; at += 1) {
      for (const mask of MASKS) {
        const read = await readOrRefusal(flipped(bytes, at, mask));
        // Only the very last newline is not needed to know what was written.
        if (at === bytes.length - 1) expect(read).toEqual(records);
        else expectDamage(read, `byte ${at} xor ${mask}`);
      }
    }
  });
});

describe('a line', () => {
  test('of any JSON comes back as it was, however its bytes arrive', () => {
    fc.assert(
      fc.property(
        fc.array(fc.json(), { minLength: 1, maxLength: 8 }),
        fc.integer({ min: 1, max: 50 }),
        (texts, size) => {
          const bytes = Buffer.concat(texts.map((text) => encodeFrame(text)));
          const scanner = new FrameScanner();
          const read: string[] = [];
          for (let at = 0; at < bytes.length; at += size) {
            scanner.push(bytes.subarray(at, at + size));
            for (let frame = scanner.next(); frame !== null; frame = scanner.next()) read.push(frame.json);
          }
          expect(read).toEqual(texts);
          expect(scanner.rest()).toMatchObject({ offset: bytes.length, bytes: 0 });
        },
      ),
    );
  });

  test('can be written in one way only', () => {
    const line = encodeFrame('{"crc":"has letters"}').toString('latin1');
    expect(line).toBe('21 332dc638 {"crc":"has letters"}\n');
    const others = [
      `0${line}`,
      `+${line}`,
      ` ${line}`,
      line.replace(' ', '  '),
      line.replace('332dc638', '332DC638'),
    ];
    for (const other of [...others, line.replace('\n', '\r\n'), line.replace(' {', '\t{')]) {
      const scanner = new FrameScanner();
      scanner.push(Buffer.from(other, 'latin1'));
      expect(() => scanner.next(), other).toThrow(Error);
    }
  });

  test('has a limit, on the way out and on the way in', () => {
    expect(() => encodeFrame('x'.repeat(LINE_BYTES_MAX + 1))).toThrow(RangeError);
    const scanner = new FrameScanner();
    scanner.push(Buffer.from(`${LINE_BYTES_MAX + 1} 00000000 {`));
    expect(() => scanner.next()).toThrow('over the limit');
  });

  test('has the checksum that others compute', () => {
    // The check value of CRC-32C, and the 32 bytes of zeros of RFC 3720, B.4.
    expect(crc32c(Buffer.from('123456789'))).toBe(0xe3069283);
    expect(crc32c(Buffer.alloc(32))).toBe(0x8a9136aa);
    expect(crc32c(Buffer.alloc(0))).toBe(0);
  });
});
