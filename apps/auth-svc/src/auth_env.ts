import { BaseSettings, ListenerSettings, PostgresSettings } from '@warren/app';
import type { AuthDomainSettings } from '@warren/auth';
import { integer, key32 } from '@warren/kernel';
import * as z from 'zod';

const DAY_SECONDS = 86_400;

/** Environment of auth-svc. */
export const AuthEnv = z.object({
  ...BaseSettings.shape,
  ...PostgresSettings.shape,
  ...ListenerSettings.shape,
  AUTH_TOKEN_ISSUER: z
    .string()
    .min(1)
    .max(200)
    .default('warren')
    .describe('the iss of every token; the same for every service'),
  AUTH_ACCESS_TOKEN_TTL_SECONDS: integer(30, 600).default(600).describe('life of an access token, at most ten minutes'),
  AUTH_REFRESH_TOKEN_TTL_SECONDS: integer(600, 90 * DAY_SECONDS)
    .default(14 * DAY_SECONDS)
    .describe('a refresh token that is not used for this long stops working'),
  AUTH_SESSION_TTL_SECONDS: integer(600, 365 * DAY_SECONDS)
    .default(90 * DAY_SECONDS)
    .describe('a session ends after this time, however often it is used'),
  AUTH_KEY_ENCRYPTION_KEY: key32().describe(
    '32 random bytes in base64; encrypts the private signing keys in the database',
  ),
});
export type AuthEnv = z.output<typeof AuthEnv>;

export const authDomainSettings = (env: AuthEnv): AuthDomainSettings => ({
  tokenIssuer: env.AUTH_TOKEN_ISSUER,
  accessTokenTtlSeconds: env.AUTH_ACCESS_TOKEN_TTL_SECONDS,
  refreshTokenTtlSeconds: env.AUTH_REFRESH_TOKEN_TTL_SECONDS,
  sessionTtlSeconds: env.AUTH_SESSION_TTL_SECONDS,
  keyEncryptionKey: env.AUTH_KEY_ENCRYPTION_KEY,
});
