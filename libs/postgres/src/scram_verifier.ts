import { createHash, createHmac, pbkdf2, randomBytes } from 'node:crypto';
import { promisify } from 'node:util';

/** Postgres's own default: the server counts them again at every login. */
const ITERATIONS = 4096;
const SALT_BYTES = 16;
const HASH_BYTES = 32;

const derive = promisify(pbkdf2);

const hmac = (key: Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest();

/**
 * What Postgres stores instead of a password (SCRAM-SHA-256). Sent in place of the password when a role is made, so
 * that the password stays out of the server's log. The password must be printable ASCII: other text would have to be
 * normalised first.
 */
export async function scramVerifier(password: string, salt: Buffer = randomBytes(SALT_BYTES)): Promise<string> {
  if (!/^[\x20-\x7e]+$/.test(password))
    throw new TypeError('a database password must be printable ASCII and not empty');
  const salted = await derive(password, salt, ITERATIONS, HASH_BYTES, 'sha256');
  const storedKey = createHash('sha256').update(hmac(salted, 'Client Key')).digest('base64');
  const serverKey = hmac(salted, 'Server Key').toString('base64');
  return `SCRAM-SHA-256$${ITERATIONS}:${salt.toString('base64')}$${storedKey}:${serverKey}`;
}
