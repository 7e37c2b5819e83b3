import type { Contract } from '@warren/contracts';
import { commonError, invalidInput } from '@warren/http';
import { digest, newId } from '@warren/kernel';
import type { Caller } from './principal.ts';

/** Keys and nonces come from outside and go into a digest: visible ASCII, so that logs and headers can hold them. */
const KEY = /^[\x21-\x7e]{8,128}$/;

export interface KeyInfo {
  readonly idempotencyKey?: string;
  readonly deviceNonce?: string;
}

/**
 * The id under which the called service deduplicates: a digest of subject, command and key, so that one caller's key can
 * never return another's answer. Without a key every call is its own, where the contract allows that.
 * @throws AppError IDEMPOTENCY_KEY_MISSING, REQUEST_INVALID
 */
export function messageIdOf(contract: Contract, caller: Caller, info: KeyInfo): string {
  const { idempotencyKey: key } = info;
  const required = contract.idempotency === 'inbox';
  if (key === undefined) {
    if (required) throw commonError('IDEMPOTENCY_KEY_MISSING');
    return newId();
  }
  checkKey('Idempotency-Key', key);
  const subject = subjectOf(caller, info.deviceNonce);
  if (subject !== undefined) return digest(subject, contract.name, key);
  if (required)
    throw commonError('IDEMPOTENCY_KEY_MISSING', { message: 'Send a Warren-Device-Nonce with the Idempotency-Key.' });
  return newId();
}

function subjectOf(caller: Caller, deviceNonce: string | undefined): string | undefined {
  if (caller.kind !== 'anonymous') return `${caller.kind}:${caller.id}`;
  if (deviceNonce === undefined) return undefined;
  checkKey('Warren-Device-Nonce', deviceNonce);
  return `device:${deviceNonce}`;
}

function checkKey(path: string, value: string): void {
  if (!KEY.test(value)) throw invalidInput([{ path, message: 'must have 8 to 128 visible ASCII characters' }]);
}
