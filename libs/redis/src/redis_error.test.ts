import { AppError, silentLogger } from '@warren/kernel';
import { Metrics } from '@warren/telemetry';
import { describe, expect, test } from 'vitest';
import { RedisClient } from './redis_client.ts';
import { toRedisError } from './redis_error.ts';
import { defineScript, integers } from './script.ts';

describe('toRedisError', () => {
  test.for([
    'Connection is closed.',
    "Stream isn't writeable and enableOfflineQueue options is false",
    'Command timed out',
    'LOADING Redis is loading the dataset in memory',
    "READONLY You can't write against a read only replica.",
    "OOM command not allowed when used memory > 'maxmemory'.",
    'ERR max number of clients reached',
  ])('calls "%s" worth another try', (message) => {
    expect(toRedisError(new Error(message))).toMatchObject({
      code: 'SERVICE_UNAVAILABLE',
      kind: 'unavailable',
      retryable: true,
    });
  });

  test('leaves faults of the caller and AppErrors as they are', () => {
    const wrongType = new Error('WRONGTYPE Operation against a key holding the wrong kind of value');
    const own = new AppError('RATE_LIMITED', 'Slow down.', { kind: 'rate_limited' });
    expect(toRedisError(wrongType)).toBe(wrongType);
    expect(toRedisError(own)).toBe(own);
    expect(toRedisError(7)).toBe(7);
  });

  test('takes the arguments of the command off the cause, because they hold passwords', () => {
    const error = Object.assign(new Error('WRONGPASS invalid username-password pair'), {
      command: { name: 'hello', args: ['Sesame'] },
    });
    const mapped = toRedisError(error);
    expect(mapped).toMatchObject({ code: 'REDIS_ACCESS_REFUSED', cause: { message: error.message } });
    expect(mapped).not.toHaveProperty('cause.command');
  });
});

describe('defineScript', () => {
  test('refuses a name that is no camelCase word', () => {
    expect(() => defineScript({ name: 'take-slot', keys: 1, lua: 'return 1', parse: Number })).toThrow(/camelCase/);
  });

  test('parses only what the script promised', () => {
    expect(integers([1, 2], 2)).toEqual([1, 2]);
    for (const raw of [null, 'OK', [1], [1, '2'], [1, 2, 3]])
      expect(() => integers(raw, 2)).toThrow(/instead of 2 integers/);
  });
});

describe('RedisClient', () => {
  test('refuses a URL of another kind without repeating it', () => {
    const make = (url: string) => () =>
      new RedisClient({ url, keyPrefix: '', logger: silentLogger(), metrics: new Metrics('test') });
    for (const url of ['Sesame', 'http://:Sesame@host', '']) {
      expect(make(url)).toThrow(expect.objectContaining({ code: 'REDIS_CONFIG_INVALID' }));
      expect(make(url)).not.toThrow(/Sesame/);
    }
  });
});
