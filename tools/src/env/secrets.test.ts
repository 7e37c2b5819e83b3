import { expect, test } from 'vitest';
import { secretMakers } from './secrets.ts';

test('Every secret that an installation needs is generated, long and different each time', () => {
  const makers = secretMakers();
  expect([...makers.keys()]).toEqual(
    expect.arrayContaining([
      'AUTH_RABBITMQ_PASSWORD',
      'TOPOLOGY_RABBITMQ_PASSWORD',
      'OPS_RABBITMQ_PASSWORD',
      'OWNER_DATABASE_PASSWORD',
      'COORDINATOR_DATABASE_PASSWORD',
      'REDIS_PASSWORD',
      'AUTH_KEY_ENCRYPTION_KEY',
      'IDEMPOTENCY_HMAC_KEY',
      'WARREN_SERVER_KEY',
    ]),
  );
  for (const make of makers.values()) {
    expect(make().length).toBeGreaterThanOrEqual(32);
    expect(make()).not.toBe(make());
  }
  expect(Buffer.from(makers.get('IDEMPOTENCY_HMAC_KEY')?.() ?? '', 'base64')).toHaveLength(32);
});
