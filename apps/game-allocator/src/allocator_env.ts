import { type AllocationSettings, DEVELOPMENT_ADDRESSES } from '@warren/allocation';
import { BaseSettings, ListenerSettings, PostgresSettings, RedisSettings } from '@warren/app';
import { AppError, integer } from '@warren/kernel';
import * as z from 'zod';

/** Environment of game-allocator; each name also works with the prefix ALLOCATOR_. */
export const AllocatorEnv = z.object({
  ...BaseSettings.shape,
  ...PostgresSettings.shape,
  ...RedisSettings.shape,
  ...ListenerSettings.shape,
  GAME_CACHE_TTL: integer(1, 3_600)
    .default(60)
    .describe('life of a lease that its game server has not confirmed, seconds'),
  SERVER_LOST_AFTER_SECONDS: integer(5, 600)
    .default(15)
    .describe('a game server that is silent for longer is given up with its games'),
  ALLOWED_ADDRESSES: z
    .string()
    .max(8_192)
    .optional()
    .describe(
      'networks and host names of game servers, with commas: 203.0.113.0/24,*.games.example.org; default outside of production: loopback and private networks',
    ),
});
export type AllocatorEnv = z.output<typeof AllocatorEnv>;

/** @throws AppError SETTINGS_INVALID in production without a list of addresses: any default would be a guess about the network */
export function allocationSettings(env: AllocatorEnv): AllocationSettings {
  if (env.ALLOWED_ADDRESSES === undefined && env.NODE_ENV === 'production') {
    const message =
      'Settings are not usable: ALLOCATOR_ALLOWED_ADDRESSES is missing, and production has no default for it.';
    throw new AppError('SETTINGS_INVALID', message, { kind: 'internal' });
  }
  const listed = env.ALLOWED_ADDRESSES?.split(',').map((entry) => entry.trim());
  return {
    leaseTtlSeconds: env.GAME_CACHE_TTL,
    serverLostAfterSeconds: env.SERVER_LOST_AFTER_SECONDS,
    allowedAddresses: listed?.filter((entry) => entry !== '') ?? DEVELOPMENT_ADDRESSES,
  };
}
