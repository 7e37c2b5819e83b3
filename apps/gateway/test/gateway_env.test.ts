import { readSettings } from '@warren/kernel';
import { expect, test } from 'vitest';
import { httpSettings, sessionSettings } from '../src/gateway_config.ts';
import { GatewayEnv } from '../src/gateway_env.ts';

const base = { RABBITMQ_URL: 'amqp://gateway:k9-Lq2vT7-xW4mZ8@127.0.0.1/x', REDIS_URL: 'redis://127.0.0.1' };
const read = (env: Record<string, string>) => readSettings(GatewayEnv, { prefix: 'GATEWAY', env: { ...base, ...env } });

test('The defaults bind to this machine only and allow no foreign page', () => {
  expect(httpSettings(read({}))).toMatchObject({ host: '127.0.0.1', port: 8_080, allowedOrigins: [], trustProxy: [] });
});

test('HOST and PORT of the machine mean something else and are not taken', () => {
  expect(httpSettings(read({ HOST: 'laptop', PORT: '3000' }))).toMatchObject({ host: '127.0.0.1', port: 8_080 });
});

test('Lists are split at commas', () => {
  const settings = read({
    GATEWAY_ALLOWED_ORIGINS: 'https://a.example, http://localhost:3000',
    GATEWAY_TRUST_PROXY: '10.0.0.0/8',
  });
  expect(httpSettings(settings)).toMatchObject({
    allowedOrigins: ['https://a.example', 'http://localhost:3000'],
    trustProxy: ['10.0.0.0/8'],
  });
});

test.each(['https://a.example/', 'a.example', '*', 'https://a.example/path'])('%s is no origin', (origin) => {
  expect(() => read({ GATEWAY_ALLOWED_ORIGINS: origin })).toThrow(/GATEWAY_ALLOWED_ORIGINS/);
});

test('Limits of sockets come from the settings', () => {
  const settings = read({
    GATEWAY_WS_MESSAGES_PER_SECOND: '7',
    GATEWAY_RATE_LIMIT_FACTOR: '2.5',
    AUTH_TOKEN_ISSUER: 'my-game',
  });
  expect(sessionSettings(settings)).toMatchObject({
    tokenIssuer: 'my-game',
    rateLimitFactor: 2.5,
    sockets: { messagesPerSecond: 7, maxQueuedBytes: 262_144 },
  });
});
