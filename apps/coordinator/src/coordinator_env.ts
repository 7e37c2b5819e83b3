import { BaseSettings, ListenerSettings, PostgresSettings } from '@warren/app';
import type { CoordinationSettings } from '@warren/coordination';
import { integer } from '@warren/kernel';
import type * as z from 'zod';

const HOUR_MS = 3_600_000;

export const CoordinatorSettings = BaseSettings.extend(PostgresSettings.shape)
  .extend(ListenerSettings.shape)
  .extend({
    NO_SERVER_TIMEOUT_MS: integer(100, HOUR_MS).default(15_000).describe('how long a match looks for a game server'),
    INVITE_TIMEOUT_MS: integer(100, HOUR_MS)
      .default(15_000)
      .describe('how long the join tickets of a match may take to be issued'),
    JOIN_TIMEOUT_MS: integer(100, HOUR_MS)
      .default(75_000)
      .describe(
        'how long players have to join, unless their mode says; longer than a join ticket and an unconfirmed lease live',
      ),
    RESULT_TIMEOUT_MS: integer(100, 24 * HOUR_MS)
      .default(900_000)
      .describe('how long a match may run without a result, unless its mode says'),
    STEP_TIMEOUT_MS: integer(100, 60_000).default(4_000).describe('how long one call to another service may take'),
    POLL_MS: integer(10, 60_000)
      .default(250)
      .describe('how often each replica looks for waiting tickets and due matches'),
  });
type CoordinatorSettings = z.output<typeof CoordinatorSettings>;

export const domainSettings = (settings: CoordinatorSettings): CoordinationSettings => ({
  noServerTimeoutMs: settings.NO_SERVER_TIMEOUT_MS,
  inviteTimeoutMs: settings.INVITE_TIMEOUT_MS,
  joinTimeoutMs: settings.JOIN_TIMEOUT_MS,
  resultTimeoutMs: settings.RESULT_TIMEOUT_MS,
  stepTimeoutMs: settings.STEP_TIMEOUT_MS,
  pollMs: settings.POLL_MS,
});
