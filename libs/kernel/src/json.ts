import { AppError } from './app_error.ts';
import { JsonShape } from './json_shape.ts';

export interface JsonLimits {
  readonly maxBytes: number;
  readonly maxDepth: number;
  readonly maxKeys: number;
}

/** What every door (HTTP, WebSocket, AMQP) accepts unless a contract says less. */
export const DEFAULT_JSON_LIMITS: JsonLimits = { maxBytes: 16 * 1024, maxDepth: 32, maxKeys: 1_000 };

const decoder = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });
const FORBIDDEN_KEYS = new Set(['__proto__', 'constructor', 'prototype']);

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
  const shape = shapeOf(bytes, limits);
  let text: string;
  try {
    text = decoder.decode(bytes);
  } catch (cause) {
    throw refuse('The body is not valid UTF-8.', cause);
  }
  if (text.charCodeAt(0) === 0xfeff) throw refuse('The body starts with a byte order mark.');
  return parseChecked(text, shape.suspicious);
}

/** What is not suspicious cannot break a rule below, and is parsed without the (ten times slower) reviver. */
function parseChecked(text: string, suspicious: boolean): unknown {
  try {
    if (!suspicious) return JSON.parse(text);
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

function shapeOf(bytes: Uint8Array, limits: JsonLimits): JsonShape {
  const shape = new JsonShape(bytes, limits);
  if (shape.tooDeep) throw refuse(`The body is nested deeper than ${limits.maxDepth} levels.`);
  if (shape.tooWide) throw refuse(`The body has more than ${limits.maxKeys} keys.`);
  return shape;
}
