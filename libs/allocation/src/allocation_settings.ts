/** What the domain reads of its app's settings. */
export interface AllocationSettings {
  /** Life of an unconfirmed lease, seconds: GAME_CACHE_TTL. */
  readonly leaseTtlSeconds: number;
  /** A server that was silent for longer is lost, with its games. */
  readonly serverLostAfterSeconds: number;
  /** CIDRs (`10.0.0.0/8`, `fd00::/8`) and host patterns (`game.example.org`, `*.example.org`) to which players may be sent. */
  readonly allowedAddresses: readonly string[];
}

/** How often a server is asked to report. Everything that waits for heartbeats is a multiple of it. */
export const HEARTBEAT_INTERVAL_MS = 2_000;

/** Metrics older than this say nothing about now: three heartbeats were missed. */
export const FRESH_SAMPLE_MS = 3 * HEARTBEAT_INTERVAL_MS;

/** Samples of servers that went away leave Redis by themselves. */
export const SAMPLE_TTL_MS = 30_000;

/** A confirmed game that no heartbeat named for this long, seconds, and at least two heartbeats, no longer runs. */
export const MISSING_GAME_SECONDS = 10;

const LONGEST_TOUCH_SECONDS = 4;

/** Heartbeats write `last_seen_at` no more often than this: a row version every 2 s and server would be waste. */
export const touchAfterSeconds = (settings: AllocationSettings): number =>
  Math.min(LONGEST_TOUCH_SECONDS, settings.serverLostAfterSeconds / 3);
