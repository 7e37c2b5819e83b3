import { expect, test } from 'vitest';
import { bySize, readTestSettings, testSeed } from './test_settings.ts';

const complete = {
  WARREN_TEST_RABBITMQ_URL: 'amqp://localhost',
  WARREN_TEST_BROKER_ADMIN: '{"kind":"http","url":"http://user:pass@localhost:15672"}',
  WARREN_TEST_DATABASE_URL: 'postgres://localhost/postgres',
  WARREN_TEST_REDIS_URL: 'redis://localhost',
};

test('Settings that are all there are read', () => {
  expect(readTestSettings(complete).brokerAdmin).toEqual({ kind: 'http', url: 'http://user:pass@localhost:15672' });
});

test.each(Object.keys(complete))('A missing %s is one sentence that says what to do', (name) => {
  const call = () => readTestSettings({ ...complete, [name]: '' });
  expect(call).toThrow(new RegExp(`^${name} is not set: start the tests with \`npm test\`[^.]*\\.$`));
});

test('A broken description of the administration is refused by name', () => {
  expect(() => readTestSettings({ ...complete, WARREN_TEST_BROKER_ADMIN: '{' })).toThrow(/WARREN_TEST_BROKER_ADMIN/);
});

test('A proof is short unless the whole one is asked for, and a size without sense is refused', () => {
  const sizes = { short: 1, full: 60 };
  expect(bySize(sizes, {})).toBe(1);
  expect(bySize(sizes, { WARREN_TEST_SIZE: 'full' })).toBe(60);
  expect(() => bySize(sizes, { WARREN_TEST_SIZE: 'fully' })).toThrow(/short or full/);
});

test('Without a seed every run uses the same one; a given one is taken, nonsense is refused by name', () => {
  expect(testSeed({})).toBe(testSeed({ WARREN_TEST_SEED: '' }));
  expect(testSeed({ WARREN_TEST_SEED: '42' })).toBe(42);
  expect(() => testSeed({ WARREN_TEST_SEED: 'lucky' })).toThrow(/WARREN_TEST_SEED/);
});
