const SLOTS = 128;
/** Longer ones are seldom the same twice. */
const MAX_BYTES = 64;

/**
 * The texts that nearly every message repeats: exchange, key, type, user, names of headers. To compare one with the bytes
 * costs a third of what decoding them costs, and leaves no garbage. Only ASCII is remembered: there a character is a byte.
 */
export class RecentTexts {
  readonly #slots = Array.from({ length: SLOTS }, () => '');

  decode(bytes: Buffer, from: number, to: number): string {
    const length = to - from;
    if (length === 0) return '';
    if (length > MAX_BYTES) return bytes.toString('utf8', from, to);
    const slot = slotOf(bytes, from, to);
    const known = this.#slots[slot];
    if (known !== undefined && isSame(known, bytes, from, length)) return known;
    const text = bytes.toString('utf8', from, to);
    // what is not ASCII has fewer characters than bytes, or characters that no byte equals
    if (text.length === length) this.#slots[slot] = text;
    return text;
  }
}

function slotOf(bytes: Buffer, from: number, to: number): number {
  const middle = bytes[(from + to) >> 1] ?? 0;
  return ((bytes[from] ?? 0) * 31 + middle * 17 + (bytes[to - 1] ?? 0) * 7 + (to - from)) % SLOTS;
}

function isSame(text: string, bytes: Buffer, from: number, length: number): boolean {
  if (text.length !== length) return false;
  for (let i = 0; i < length; i++) if (text.charCodeAt(i) !== bytes[from + i]) return false;
  return true;
}
