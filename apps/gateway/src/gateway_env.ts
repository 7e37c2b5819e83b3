import { BaseSettings, RedisSettings } from '@warren/app';
import { integer } from '@warren/kernel';
import { DEFAULT_TOKEN_ISSUER } from '@warren/tokens';
import * as z from 'zod';

const list = (): z.ZodType<readonly string[], string | undefined> =>
  z
    .string()
    .default('')
    .transform((text) => text.split(',').flatMap((item) => (item.trim() === '' ? [] : [item.trim()])));

const isOrigin = (text: string): boolean => URL.canParse(text) && new URL(text).origin === text;

/** Settings of the gateway. They carry their whole name, because HOST and PORT mean other things on many machines. */
export const GatewayEnv = z.object({
  ...BaseSettings.shape,
  ...RedisSettings.shape,
  GATEWAY_HOST: z.string().min(1).default('127.0.0.1').describe('address of the public HTTP and WebSocket server'),
  GATEWAY_PORT: integer(0, 65_535)
    .default(8_080)
    .describe('port of the public HTTP and WebSocket server; 0 takes a free one'),
  GATEWAY_ALLOWED_ORIGINS: list()
    .refine((origins) => origins.every(isOrigin), 'must be origins such as https://game.example, with commas between')
    .describe('origins whose pages may call and connect, with commas between'),
  GATEWAY_TRUST_PROXY: list().describe(
    'addresses or CIDR ranges of proxies whose X-Forwarded-For is believed, with commas between',
  ),
  GATEWAY_RATE_LIMIT_FACTOR: z.coerce
    .number()
    .positive()
    .max(100_000)
    .default(1)
    .describe('multiplies the calls per minute of every command'),
  GATEWAY_MAX_CONNECTIONS: integer(1, 1_000_000)
    .default(20_000)
    .describe('open connections, HTTP and WebSocket together'),
  GATEWAY_WS_MESSAGES_PER_SECOND: integer(1, 10_000)
    .default(20)
    .describe('messages of one socket per second on average; twice that in a burst'),
  GATEWAY_WS_MAX_QUEUED_BYTES: integer(16_384, 67_108_864)
    .default(262_144)
    .describe('bytes that may wait for one client before it is closed as too slow'),
  GATEWAY_WS_STALL_MS: integer(1_000, 120_000)
    .default(10_000)
    .describe('milliseconds that a client with waiting events may not read'),
  GATEWAY_WS_HEARTBEAT_MS: integer(1_000, 120_000)
    .default(15_000)
    .describe('milliseconds between two pings of one socket'),
  GATEWAY_WS_AUTH_DEADLINE_MS: integer(500, 60_000)
    .default(5_000)
    .describe('milliseconds in which a socket must show its ticket'),
  GATEWAY_WS_MAX_UNAUTHENTICATED: integer(1, 1_000_000)
    .default(5_000)
    .describe('sockets that may be open without a ticket; one network may hold half of them'),
  AUTH_TOKEN_ISSUER: z
    .string()
    .min(1)
    .default(DEFAULT_TOKEN_ISSUER)
    .describe('issuer of the tokens that are believed; the same as in auth-svc'),
});
export type GatewayEnv = z.output<typeof GatewayEnv>;
