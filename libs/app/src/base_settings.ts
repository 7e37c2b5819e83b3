import { flag, integer, key32, LOG_LEVELS } from '@warren/kernel';
import * as z from 'zod';

const logLevels = new Set(LOG_LEVELS);

/** Settings of every service. Each is looked up as `<PREFIX>_<NAME>` first, so that one `.env` serves all services. */
export const BaseSettings = z.object({
  NODE_ENV: z
    .enum(['development', 'test', 'production'])
    .default('production')
    .describe('production refuses placeholders and shared broker users'),
  LOG_LEVEL: z
    .string()
    .default('info')
    .refine((value) => logLevels.has(value.toLowerCase()), `must be one of ${LOG_LEVELS.join(', ')}`)
    .describe('trace, debug, info, warn, error, fatal or silent; upper case and WARNING, CRITICAL work too'),
  LOG_FORMAT: z.enum(['json', 'text']).default('json').describe('json for machines, text for people'),
  TRACE_CALLER: flag().default(false).describe('adds file and line of the call to each log line; slow'),
  RABBITMQ_URL: z
    .url({ protocol: /^amqps?$/ })
    .describe('amqp://user:password@host:port/vhost, with the broker user of this service'),
  OTEL_EXPORTER_OTLP_ENDPOINT: z
    .url({ protocol: /^https?$/ })
    .optional()
    .describe('collector that takes traces as OTLP over HTTP, such as http://127.0.0.1:4318; none unless set'),
  ADMIN_HOST: z.string().min(1).default('127.0.0.1').describe('address of /livez, /readyz and /metrics'),
  ADMIN_PORT: integer(0, 65_535).default(0).describe('port of /livez, /readyz and /metrics; 0 takes a free one'),
  BOOT_TIMEOUT_MS: integer(1_000, 600_000)
    .default(60_000)
    .describe('how long a starting service waits for its servers'),
  SHUTDOWN_GRACE_MS: integer(1_000, 120_000).default(10_000).describe('time from SIGTERM to the hard end'),
});
export type BaseSettings = z.output<typeof BaseSettings>;

/** For services with a schema of their own. */
export const PostgresSettings = z.object({
  DATABASE_URL: z
    .url({ protocol: /^postgres(?:ql)?$/ })
    .describe('postgres://role:password@host:port/database, with the role of this service'),
  DATABASE_POOL_MAX: integer(1, 200).default(10).describe('connections to Postgres per process'),
  DATABASE_MIGRATE: flag()
    .default(false)
    .describe('development only: migrate at boot; the role of DATABASE_URL must own the schema'),
  IDEMPOTENCY_HMAC_KEY: key32().describe('32 random bytes in base64; fingerprints of requests are made with it'),
});
export type PostgresSettings = z.output<typeof PostgresSettings>;

export const RedisSettings = z.object({
  REDIS_URL: z.url({ protocol: /^rediss?$/ }).describe('redis://user:password@host:port/db'),
  REDIS_KEY_PREFIX: z
    .string()
    .max(64)
    .default('warren:')
    .describe('stands before every key, so that several systems can share a server'),
});
export type RedisSettings = z.output<typeof RedisSettings>;

/** Listener settings that an operator may change without a release. */
export const ListenerSettings = z.object({
  MAX_CONCURRENT_TASKS: integer(1, 1_000).optional().describe('messages that one listener works on at the same time'),
  COMMAND_PROCESSING_TIMEOUT: integer(100, 120_000)
    .optional()
    .describe('milliseconds after which a command is given up'),
  BROKER_CONSUMER_TIMEOUT_MS: integer(1_000, 86_400_000)
    .default(1_800_000)
    .describe('consumer_timeout of the broker; COMMAND_PROCESSING_TIMEOUT may be at most half of it'),
});
export type ListenerSettings = z.output<typeof ListenerSettings>;
