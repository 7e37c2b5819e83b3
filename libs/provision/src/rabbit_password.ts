import { createHash, randomBytes } from 'node:crypto';

const SALT_BYTES = 4;

/** Algorithm name to put beside a hash made by `hashRabbitPassword` in a definitions file. */
export const RABBIT_HASHING_ALGORITHM = 'rabbit_password_hashing_sha256';

/** RabbitMQ's own format: base64(salt ‖ SHA-256(salt ‖ password)), 4 bytes of salt. */
export function hashRabbitPassword(password: string, salt: Buffer = randomBytes(SALT_BYTES)): string {
  const digest = createHash('sha256').update(salt).update(password, 'utf8').digest();
  return Buffer.concat([salt, digest]).toString('base64');
}
