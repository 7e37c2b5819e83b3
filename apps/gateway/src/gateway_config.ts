import type { GatewayServerDeps, SessionSettings } from '@warren/session';
import type { GatewayEnv } from './gateway_env.ts';

/** The gateway has no queue of commands: what it does is set by the contracts, and how much of it by these settings. */
export const sessionSettings = (settings: GatewayEnv): SessionSettings => ({
  tokenIssuer: settings.AUTH_TOKEN_ISSUER,
  rateLimitFactor: settings.GATEWAY_RATE_LIMIT_FACTOR,
  sockets: {
    messagesPerSecond: settings.GATEWAY_WS_MESSAGES_PER_SECOND,
    maxQueuedBytes: settings.GATEWAY_WS_MAX_QUEUED_BYTES,
    stallMs: settings.GATEWAY_WS_STALL_MS,
    authDeadlineMs: settings.GATEWAY_WS_AUTH_DEADLINE_MS,
    heartbeatMs: settings.GATEWAY_WS_HEARTBEAT_MS,
    maxUnauthenticated: settings.GATEWAY_WS_MAX_UNAUTHENTICATED,
  },
});

export const httpSettings = (settings: GatewayEnv): GatewayServerDeps['http'] => ({
  host: settings.GATEWAY_HOST,
  port: settings.GATEWAY_PORT,
  allowedOrigins: settings.GATEWAY_ALLOWED_ORIGINS,
  trustProxy: settings.GATEWAY_TRUST_PROXY,
  maxConnections: settings.GATEWAY_MAX_CONNECTIONS,
  heartbeatMs: settings.GATEWAY_WS_HEARTBEAT_MS,
});
