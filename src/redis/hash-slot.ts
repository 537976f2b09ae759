/** Which of a cluster's 16384 slots a key is in: CRC16 (XMODEM) of its hash tag, as Redis Cluster's specification has it. */

const SLOTS = 16_384;

/** What of a key decides on its slot: what stands between the first `{` and the next `}`, unless that is nothing. */
export function hashTag(key: string): string {
  const open = key.indexOf('{');
  if (open < 0) return key;
  const close = key.indexOf('}', open + 1);
  return close <= open + 1 ? key : key.slice(open + 1, close);
}

export function hashSlot(key: string): number {
  let crc = 0;
  for (const byte of new TextEncoder().encode(hashTag(key))) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1)
      crc = (crc & 0x8000) === 0 ? (crc << 1) & 0xffff : ((crc << 1) ^ 0x1021) & 0xffff;
  }
  return crc % SLOTS;
}
