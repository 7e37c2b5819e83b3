import { AppError } from './app_error.ts';

export interface JsonLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxKeys: number;
}

/** What every door (HTTP, WebSocket, AMQP) accepts unless a contract says less. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxBytes: 16 * 1024, maxDepth: 32, maxKeys: 1_000 };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);
const QUOTE = 0x22;
const BACKSLASH = 0x5c;
const OPEN_OBJECT = 0x7b;
const OPEN_ARRAY = 0x5b;
const CLOSE_OBJECT = 0x7d;
const CLOSE_ARRAY = 0x5d;
const COLON = 0x3a;

const refuse = (message: string, cause?: unknown): AppError =>
  new AppError('REQUEST_INVALID', message, { kind: 'invalid', cause });

/**
 * Parses JSON from outside. Size, depth and number of keys are checked on the bytes, before JSON.parse spends time or
 * stack on them. Refuses: invalid UTF-8, a byte order mark, `__proto__`/`constructor`/`prototype` keys, numbers that
 * JavaScript cannot hold (1e400, 9007199254740993), lone surrogates and U+0000 in strings or keys.
 * @throws AppError REQUEST_INVALID (400) or REQUEST_TOO_LARGE (413)
 */
export function parseJson(bytes: Buffer | Uint8Array, limits: JsonLimits = DEFAULT_JSON_LIMITS): unknown {
  if (bytes.byteLength > limits.maxBytes) {
    throw new AppError('REQUEST_TOO_LARGE', `The body is larger than ${limits.maxBytes} bytes.`, { kind: 'too_large' });
  }
  checkShape(bytes, limits);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw refuse('The body is not valid UTF-8.', cause);
  }
  if (text.charCodeAt(0) === 0xfeff) throw refuse('The body starts with a byte order mark.');
  return parseChecked(text);
}

/** Text without these cannot break a rule below, and is parsed without the (ten times slower) reviver. */
const SUSPICIOUS = /\\u|__proto__|constructor|prototype|\d{16}|[eE]\+?\d{2}/;

function parseChecked(text: string): unknown {
  try {
    if (!SUSPICIOUS.test(text)) return JSON.parse(text);
    return JSON.parse(text, (key, value: unknown, context?: { source?: string }) => {
      if (key !== '') checkKey(key);
      if (typeof value === 'string') checkText(value);
      else if (typeof value === 'number') checkNumber(value, context?.source);
      return value;
    });
  } catch (cause) {
    if (cause instanceof AppError) throw cause;
    throw refuse('The body is not valid JSON.', cause);
  }
}

function checkKey(key: string): void {
  if (FORBIDDEN_KEYS.has(key)) throw refuse(`The key ${key} is not allowed.`);
  checkText(key);
}

function checkText(text: string): void {
  if (!text.isWellFormed()) throw refuse('A string holds half of a surrogate pair.');
  if (text.includes('\u0000')) throw refuse('A string holds the character U+0000.');
}

function checkNumber(value: number, source: string | undefined): void {
  if (!Number.isFinite(value)) throw refuse('A number is too large.');
  if (Number.isInteger(value) && !Number.isSafeInteger(value) && source !== undefined && !/[.eE]/.test(source)) {
    throw refuse('A whole number is beyond 2^53 and would be rounded.');
  }
}

/** One pass over the bytes, outside of strings: depth of brackets and count of colons (= keys). */
function checkShape(bytes: Uint8Array, limits: JsonLimits): void {
  let depth = 0;
  let keys = 0;
  for (let i = 0; i < bytes.length; i++) {
    const byte = bytes[i];
    if (byte === QUOTE) i = endOfString(bytes, i + 1);
    else if (byte === OPEN_OBJECT || byte === OPEN_ARRAY) depth++;
    else if (byte === CLOSE_OBJECT || byte === CLOSE_ARRAY) depth--;
    else if (byte === COLON) keys++;
    if (depth > limits.maxDepth) throw refuse(`The body is nested deeper than ${limits.maxDepth} levels.`);
    if (keys > limits.maxKeys) throw refuse(`The body has more than ${limits.maxKeys} keys.`);
  }
}

/** Where the string that begins at `from` has its closing quote; the end of the bytes when it has none. */
function endOfString(bytes: Uint8Array, from: number): number {
  let i = from;
  while (i < bytes.length && bytes[i] !== QUOTE) i += bytes[i] === BACKSLASH ? 2 : 1;
  return i;
}
