import { createHash, randomBytes, randomUUID } from 'node:crypto';

/** A random id (UUID v4, lower case). */
export const newId = (): string => randomUUID();

/** `bytes` random bytes in base64url, for secrets and nonces. */
export const newSecret = (bytes = 32): string => randomBytes(bytes).toString('base64url');

/** SHA-256 of the parts, hex. Parts are length-prefixed, so that ('ab','c') and ('a','bc') differ. */
export function digest(...parts: readonly string[]): string {
  const hash = createHash('sha256');
  for (const part of parts) hash.update(`${Buffer.byteLength(part)}:`).update(part);
  return hash.digest('hex');
}

/** Stable 32-bit FNV-1a of a string, for partitions: `hash32(player) % PUSH_PARTITIONS`. */
export function hash32(text: string): number {
  let hash = 0x811c9dc5;
  for (const byte of Buffer.from(text)) hash = Math.imul(hash ^ byte, 0x01000193);
  return hash >>> 0;
}
