import { expect, test } from 'vitest';
import { hashRabbitPassword } from './rabbit_password.ts';

test('The hash is the one of the example in the documentation of RabbitMQ', () => {
  expect(hashRabbitPassword('test12', Buffer.from('908DC60A', 'hex'))).toBe(
    'kI3GCqW5JLMJa4iX1lo7X4D6XbYqlLgxIs30+P6tENUV2POR',
  );
});

test('Two hashes of one password differ', () => {
  expect(hashRabbitPassword('same')).not.toBe(hashRabbitPassword('same'));
});
