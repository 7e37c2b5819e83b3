import { randomBytes } from 'node:crypto';

const PASSWORD_BYTES = 24;

/**
 * A random password of letters, digits, `-` and `_`: safe in URLs and configuration files. It never begins with `-`.
 */
export function newPassword(): string {
  return `w${randomBytes(PASSWORD_BYTES).toString('base64url')}`;
}
