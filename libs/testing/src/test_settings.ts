import { type Environment, readEnvironment } from '@warren/kernel';
import { BrokerAdmin } from '@warren/provision';

/** Where the servers of this test run are; set by `npm test`. */
export interface TestSettings {
  rabbitmqUrl: string;
  brokerAdmin: BrokerAdmin;
  databaseUrl: string;
  redisUrl: string;
}

function required(environment: Environment, name: string): string {
  const value = environment[name];
  if (value !== undefined && value !== '') return value;
  throw new Error(`${name} is not set: start the tests with \`npm test\`, which finds the servers and sets it.`);
}

function parseAdmin(text: string): BrokerAdmin {
  try {
    return BrokerAdmin.parse(JSON.parse(text));
  } catch (cause) {
    throw new Error('WARREN_TEST_BROKER_ADMIN is not a valid description of a broker administration.', { cause });
  }
}

export const testRabbitmqUrl = (environment: Environment = readEnvironment()): string =>
  required(environment, 'WARREN_TEST_RABBITMQ_URL');

export const testBrokerAdmin = (environment: Environment = readEnvironment()): BrokerAdmin =>
  parseAdmin(required(environment, 'WARREN_TEST_BROKER_ADMIN'));

export const testDatabaseUrl = (environment: Environment = readEnvironment()): string =>
  required(environment, 'WARREN_TEST_DATABASE_URL');

export const testRedisUrl = (environment: Environment = readEnvironment()): string =>
  required(environment, 'WARREN_TEST_REDIS_URL');

/**
 * The short form of a proof in `npm test`, the whole one in `npm run prove`, which sets WARREN_TEST_SIZE=full.
 * @throws Error for a size that is neither `short` nor `full`
 */
export function bySize<T>(sizes: { short: T; full: T }, environment: Environment = readEnvironment()): T {
  const size = environment['WARREN_TEST_SIZE'] || 'short';
  if (size !== 'short' && size !== 'full') throw new Error(`WARREN_TEST_SIZE is "${size}": say short or full.`);
  return sizes[size];
}

/**
 * The folder with another Debian whose RabbitMQ private brokers run; `npm run prove -- rabbitmq4` sets
 * WARREN_TEST_RABBITMQ_ROOT. Undefined for the RabbitMQ of this machine.
 */
export const testRabbitmqRoot = (environment: Environment = readEnvironment()): string | undefined =>
  environment['WARREN_TEST_RABBITMQ_ROOT'] || undefined;

const DEFAULT_SEED = 20_261;

/** The seed of everything random in a test: WARREN_TEST_SEED, or always the same one. */
export function testSeed(environment: Environment = readEnvironment()): number {
  const text = environment['WARREN_TEST_SEED'] ?? '';
  if (text === '') return DEFAULT_SEED;
  if (/^\d{1,9}$/.test(text)) return Number(text);
  throw new Error('WARREN_TEST_SEED must be a whole number of at most nine digits.');
}

/** All settings at once; throws one sentence that names the first missing one. */
export function readTestSettings(environment: Environment = readEnvironment()): TestSettings {
  return {
    rabbitmqUrl: testRabbitmqUrl(environment),
    brokerAdmin: testBrokerAdmin(environment),
    databaseUrl: testDatabaseUrl(environment),
    redisUrl: testRedisUrl(environment),
  };
}
