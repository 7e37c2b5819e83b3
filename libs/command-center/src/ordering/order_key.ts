import type { Contract } from '@warren/contracts';
import { AppError, hash32 } from '@warren/kernel';
import { type Delivery, HEADER, KEYED_PARTITIONS } from '@warren/rabbit';

const MAX_KEY_CHARS = 200;

/** All commands of a service that carry this value, whatever their names, go through one partition. */
export const partitionOf = (key: string): number => hash32(key) % KEYED_PARTITIONS;

/**
 * The value that orders a command; undefined where its contract has no key.
 * @throws AppError REQUEST_INVALID for a value that cannot be one
 */
export function keyOf({ name, key }: Pick<Contract, 'name' | 'key'>, payload: unknown): string | undefined {
  if (key === undefined) return undefined;
  const value = fieldOf(payload, key);
  const text = typeof value === 'number' && Number.isSafeInteger(value) ? String(value) : value;
  if (typeof text === 'string' && text !== '' && text.length <= MAX_KEY_CHARS && text.isWellFormed()) return text;
  throw invalid(`The field "${key}" of ${name} is its key: a text of 1 to ${MAX_KEY_CHARS} characters or an integer.`);
}

/** @throws AppError REQUEST_INVALID for anything but an integer of at least 0 */
export function versionOf({ name }: Pick<Contract, 'name'>, payload: unknown): number {
  const version = fieldOf(payload, 'version');
  if (typeof version === 'number' && Number.isSafeInteger(version) && version >= 0) return version;
  throw invalid(`The field "version" of ${name} is an integer of at least 0.`);
}

/** The key that the sender wrote on the message, by which it waits for its turn; `''` where there is none. */
export function writtenKey(delivery: Pick<Delivery, 'properties'>): string {
  const key = delivery.properties.headers?.[HEADER.key];
  return typeof key === 'string' && key.length <= MAX_KEY_CHARS ? key : '';
}

function fieldOf(payload: unknown, field: string): unknown {
  if (typeof payload !== 'object' || payload === null) return undefined;
  return Object.entries(payload).find(([name]) => name === field)?.[1];
}

const invalid = (message: string): AppError => new AppError('REQUEST_INVALID', message, { kind: 'invalid' });
