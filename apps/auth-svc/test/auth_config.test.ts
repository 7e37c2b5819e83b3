import { checkRegistry } from '@warren/command-center';
import { CONTRACTS } from '@warren/contracts';
import { readSettings } from '@warren/kernel';
import { describe, expect, it } from 'vitest';
import { authRegistry } from '../src/auth_config.ts';
import { AuthEnv, authDomainSettings } from '../src/auth_env.ts';

const KEY = Buffer.from(Array.from({ length: 32 }, (_, i) => i * 7)).toString('base64');
const ENV = {
  AUTH_RABBITMQ_URL: 'amqp://auth:k9-Lq2vT7-xW4mZ8@127.0.0.1:5672/warren',
  AUTH_DATABASE_URL: 'postgres://auth:k9-Lq2vT7-xW4mZ8@127.0.0.1:5432/warren',
  IDEMPOTENCY_HMAC_KEY: KEY,
  AUTH_KEY_ENCRYPTION_KEY: KEY,
};
const read = (env: Record<string, string>) => readSettings(AuthEnv, { prefix: 'AUTH', env });

describe('auth-svc', () => {
  it('has a handler for every contract of auth', () => {
    expect(() => checkRegistry(authRegistry, CONTRACTS)).not.toThrow();
  });

  it('lives with defaults for everything but addresses and keys', () => {
    expect(authDomainSettings(read(ENV))).toMatchObject({
      tokenIssuer: 'warren',
      accessTokenTtlSeconds: 600,
      refreshTokenTtlSeconds: 1_209_600,
      sessionTtlSeconds: 7_776_000,
    });
  });

  it('names every missing key and every value out of bounds at once, and no value', () => {
    const bad = {
      ...ENV,
      AUTH_KEY_ENCRYPTION_KEY: 'c2hvcnQ=',
      AUTH_ACCESS_TOKEN_TTL_SECONDS: '601',
      IDEMPOTENCY_HMAC_KEY: '',
    };
    expect(() => read(bad)).toThrow(/AUTH_KEY_ENCRYPTION_KEY/);
    expect(() => read(bad)).toThrow(/AUTH_ACCESS_TOKEN_TTL_SECONDS/);
    expect(() => read(bad)).toThrow(/IDEMPOTENCY_HMAC_KEY is missing/);
    expect(() => read(bad)).not.toThrow(/c2hvcnQ=|secret@/);
  });
});
