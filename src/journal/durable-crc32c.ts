/**
 * CRC-32C (Castagnoli, reflected polynomial 0x82F63B78), the checksum of iSCSI (RFC 3720, appendix B.4) and of
 * most storage formats. node:zlib only has the IEEE polynomial.
 */
const TABLE = Int32Array.from({ length: 256 }, (_, byte) => {
  let crc = byte;
  for (let bit = 0; bit < 8; bit++) crc = crc & 1 ? (crc >>> 1) ^ 0x82f63b78 : crc >>> 1;
  return crc;
});

/** Tables of what a byte comes to one, two and three bytes later, so that four are taken at a time ("slicing-by-4"). */
const LATER = [TABLE, TABLE, TABLE, TABLE];
for (let step = 1; step < 4; step++) {
  const before = LATER[step - 1] as Int32Array;
  LATER[step] = Int32Array.from(before, (crc) => (TABLE[crc & 0xff] as number) ^ (crc >>> 8));
}
const [, T1, T2, T3] = LATER as [Int32Array, Int32Array, Int32Array, Int32Array];

/** The checksum of `bytes` as an unsigned 32-bit number. */
export function crc32c(bytes: Uint8Array): number {
  let crc = ~0;
  let at = 0;
  for (const end = bytes.length - 3; at < end; at += 4) {
    crc ^=
      (bytes[at] as number) |
      ((bytes[at + 1] as number) << 8) |
      ((bytes[at + 2] as number) << 16) |
      ((bytes[at + 3] as number) << 24);
    crc =
      (T3[crc & 0xff] as number) ^
      (T2[(crc >>> 8) & 0xff] as number) ^
      (T1[(crc >>> 16) & 0xff] as number) ^
      (TABLE[crc >>> 24] as number);
  }
  for (; at < bytes.length; at++) {
    crc = (TABLE[(crc ^ (bytes[at] as number)) & 0xff] as number) ^ (crc >>> 8);
  }
  return ~crc >>> 0;
}

/** The checksum as it stands in files: eight lower-case hexadecimal digits. */
export function crc32cHex(bytes: Uint8Array): string {
  return crc32c(bytes).toString(16).padStart(8, '0');
}
