import { createHash, hkdfSync } from 'node:crypto';
import { newSecret } from '@warren/kernel';
import { seal, unseal } from './sealed_box.ts';

const KEY_BYTES = 32;
const PURPOSE = 'warren refresh successor';

/** An opaque token of 256 random bits, and the hash that is stored in its place. */
export interface RefreshSecret {
  readonly token: string;
  readonly hash: Buffer;
}

/** SHA-256 is enough: a token has 256 random bits, so nobody can guess it from its hash. */
export const hashSecret = (token: string): Buffer => createHash('sha256').update(token).digest();

export function newRefreshSecret(): RefreshSecret {
  const token = newSecret();
  return { token, hash: hashSecret(token) };
}

const keyOf = (token: string): Buffer => Buffer.from(hkdfSync('sha256', token, '', PURPOSE, KEY_BYTES));

/** Encrypts a successor so that only who presents its predecessor again can have it: the database alone cannot. */
export const sealSuccessor = (predecessor: string, successor: string): Buffer =>
  seal(Buffer.from(successor), { key: keyOf(predecessor), label: PURPOSE });

/** @throws Error when the predecessor is another one */
export const unsealSuccessor = (predecessor: string, sealed: Buffer): string =>
  unseal(sealed, { key: keyOf(predecessor), label: PURPOSE }).toString();
