import { hostname } from 'node:os';
import * as z from 'zod';
import { MAX_TICKS, MIN_TICKS, TICK_MS } from './game/index.ts';

/** Environment of the example game server. */
export const ServerSettings = z.object({
  WARREN_GATEWAY_URL: z.url({ protocol: /^https?$/ }),
  WARREN_SERVER_KEY: z.string().min(20),
  GAME_SERVER_HOST: z.string().default('127.0.0.1'),
  GAME_SERVER_PORT: z.coerce.number().int().min(0).max(65_535).default(7_350),
  /** What players connect to; `ws://host:port` unless given. */
  GAME_SERVER_ADDRESS: z.url({ protocol: /^wss?$/ }).optional(),
  GAME_SERVER_INSTANCE: z.string().default(
    `${hostname()
      .replace(/[^a-zA-Z0-9-]/g, '-')
      .slice(0, 40)}-game`,
  ),
  GAME_SERVER_CAPACITY: z.coerce.number().int().min(1).max(500).default(50),
  GAME_MATCH_SECONDS: z.coerce
    .number()
    .min((MIN_TICKS * TICK_MS) / 1_000)
    .max((MAX_TICKS * TICK_MS) / 1_000)
    .default(30),
  GAME_JOIN_TIMEOUT_SECONDS: z.coerce.number().min(1).max(300).default(25),
  /** Folder for the input logs of finished matches; none are kept without it. */
  GAME_REPLAY_DIR: z.string().optional(),
});
export type ServerSettings = z.output<typeof ServerSettings>;
