const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const LETTER_U = 0x75;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const COLON = 0x3a;
const ZERO = 0x30;
const NINE = 0x39;
/** `e` and `E` without the bit that tells them apart. */
const EXPONENT = 0x65;
const CASE_BIT = 0x20;
/** Whole numbers of fewer digits are safe integers. */
const UNSAFE_DIGITS = 16;
/** Lengths of `__proto__` or `prototype`, and of `constructor`. */
const FORBIDDEN_LENGTHS = [9, 11] as const;
const [UNDERSCORE, LETTER_P, LETTER_C] = [0x5f, 0x70, 0x63] as const;

/**
 * What one pass over the bytes of a JSON text tells before it is parsed: whether it is deeper or wider than allowed, and
 * whether anything in it needs a closer look (an escape by code point, a long or exponential number, what may be a
 * forbidden key). The pass ends as soon as a limit is broken.
 */
export class JsonShape {
  readonly tooDeep: boolean;
  readonly tooWide: boolean;
  suspicious = false;
  readonly #bytes: Uint8Array;

  constructor(bytes: Uint8Array, limits: { readonly maxDepth: number; readonly maxKeys: number }) {
    this.#bytes = bytes;
    let depth = 0;
    let keys = 0;
    for (let i = 0; i < bytes.length && depth <= limits.maxDepth && keys <= limits.maxKeys; i++) {
      const byte = bytes[i];
      if (byte === QUOTE) i = this.#endOfString(i + 1);
      else if (byte === COLON) keys++;
      else if (isDigit(byte)) i = this.#endOfNumber(i);
      else depth += step(byte);
    }
    this.tooDeep = depth > limits.maxDepth;
    this.tooWide = keys > limits.maxKeys;
  }

  /** Where the string that begins at `from` has its closing quote; the end of the bytes when it has none. */
  #endOfString(from: number): number {
    const bytes = this.#bytes;
    let i = from;
    while (i < bytes.length && bytes[i] !== QUOTE) {
      if (bytes[i] === BACKSLASH) {
        i++;
        if (bytes[i] === LETTER_U) this.suspicious = true;
      }
      i++;
    }
    const [short, long] = FORBIDDEN_LENGTHS;
    const first = bytes[from];
    if (i - from === short && (first === UNDERSCORE || first === LETTER_P)) this.suspicious = true;
    if (i - from === long && first === LETTER_C) this.suspicious = true;
    return i;
  }

  /** The last byte of the digits that begin at `from`. */
  #endOfNumber(from: number): number {
    const bytes = this.#bytes;
    let i = from;
    while (isDigit(bytes[i + 1])) i++;
    const next = bytes[i + 1] ?? 0;
    if (i - from + 1 >= UNSAFE_DIGITS || (next | CASE_BIT) === EXPONENT) this.suspicious = true;
    return i;
  }
}

/** What a byte outside of strings adds to the depth. */
function step(byte: number | undefined): number {
  if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) return 1;
  return byte === CLOSE_OBJECT || byte === CLOSE_ARRAY ? -1 : 0;
}

const isDigit = (byte: number | undefined): boolean => byte !== undefined && byte >= ZERO && byte <= NINE;
