import type { AppError } from '@warren/kernel';
import { raise } from './rabbit_errors.ts';

/** AMQP's short strings: routing keys and every property except headers. */
export const MAX_SHORT_BYTES = 255;
/** Names and values of all headers together. amqplib fails above 64 KiB; ours never come near. */
const MAX_HEADER_BYTES = 16 * 1024;
/** Larger things travel by reference. */
export const MAX_BODY_BYTES = 256 * 1024;

/** Shorter strings fit whatever their characters: UTF-8 takes at most three bytes per UTF-16 unit. */
const SURELY_SHORT = Math.floor(MAX_SHORT_BYTES / 3);

/** @throws AppError MESSAGE_INVALID: the broker would close the channel, or amqplib would throw half-way */
export function checkShort(value: unknown, name: string): void {
  if (value === undefined) return;
  if (typeof value !== 'string') throw invalid(`${name} is not a string`);
  if (value.length > SURELY_SHORT && Buffer.byteLength(value) > MAX_SHORT_BYTES)
    throw invalid(`${name} has more than ${MAX_SHORT_BYTES} bytes`);
}

/** @throws AppError MESSAGE_INVALID */
export function checkHeaders(headers: Readonly<Record<string, unknown>> | undefined): void {
  if (headers === undefined) return;
  let bytes = 0;
  for (const [name, value] of Object.entries(headers)) {
    checkShort(name, 'a header name');
    bytes += Buffer.byteLength(name) + headerBytes(name, value);
  }
  if (bytes > MAX_HEADER_BYTES) throw invalid(`the headers have more than ${MAX_HEADER_BYTES} bytes`);
}

function headerBytes(name: string, value: unknown): number {
  if (typeof value === 'string') return Buffer.byteLength(value);
  if (typeof value === 'number' && Number.isSafeInteger(value)) return 8;
  throw invalid(`header ${name} is neither a string nor a whole number`);
}

/** @throws AppError MESSAGE_INVALID: 1.5, -1 or NaN would close the channel with 406 */
export function checkExpiration(ms: unknown): void {
  if (ms === undefined) return;
  if (typeof ms !== 'number' || !Number.isSafeInteger(ms) || ms < 0 || ms > 0xffff_ffff)
    throw invalid('the expiration is not a whole number of milliseconds');
}

/** @throws AppError MESSAGE_INVALID */
export function checkBody(body: unknown): void {
  if (!Buffer.isBuffer(body)) throw invalid('the body is not a Buffer');
  if (body.length > MAX_BODY_BYTES) throw invalid(`the body has more than ${MAX_BODY_BYTES} bytes`);
}

function invalid(what: string): AppError {
  return raise('MESSAGE_INVALID', { message: `A message cannot be published: ${what}.` });
}
