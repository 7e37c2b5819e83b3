import type { ContractErrors } from '../contract.ts';

export const AUTH_ERRORS = {
  AUTH_LOGIN_TAKEN: { kind: 'conflict', message: 'This login is taken.', retryable: false },
  AUTH_LOGIN_NOT_ALLOWED: { kind: 'invalid', message: 'This login is not allowed.', retryable: false },
  AUTH_PASSWORD_TOO_WEAK: { kind: 'invalid', message: 'This password is too easy to guess.', retryable: false },
  AUTH_CREDENTIALS_WRONG: { kind: 'unauthenticated', message: 'The login or the password is wrong.', retryable: false },
  AUTH_REFRESH_REFUSED: {
    kind: 'unauthenticated',
    message: 'The refresh token is not valid. Log in again.',
    retryable: false,
  },
  AUTH_SERVER_KEY_REFUSED: { kind: 'unauthenticated', message: 'The server key is not valid.', retryable: false },
  AUTH_INSTANCE_TAKEN: {
    kind: 'forbidden',
    message: 'This instance id belongs to another server key.',
    retryable: false,
  },
  AUTH_ACCOUNT_NOT_FOUND: { kind: 'not_found', message: 'There is no such account.', retryable: false },
  AUTH_HASHING_BUSY: { kind: 'unavailable', message: 'Too many logins at once. Wait and try again.', retryable: true },
} as const satisfies ContractErrors;
