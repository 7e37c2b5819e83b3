import { RESOURCE } from '@warren/command-center';
import { type Container, token } from '@warren/kernel';
import { LeaseStore, RateLimiter } from '@warren/redis';
import { TokenVerifier } from '@warren/tokens';
import { Authenticator } from './caller/authenticator.ts';
import { GatewayCaller } from './caller/gateway_caller.ts';
import { RpcJwks } from './caller/jwks.ts';
import { RateLimits } from './caller/rate_limits.ts';
import { EventRing } from './push/event_ring.ts';
import { type HubLimits, SessionHub } from './sockets/session_hub.ts';
import { WsTickets } from './sockets/ws_tickets.ts';

export interface SessionSettings {
  /** `iss` of the tokens that are believed. */
  readonly tokenIssuer: string;
  /** Multiplies the rate of every contract. */
  readonly rateLimitFactor: number;
  readonly sockets: HubLimits;
}

export const SESSION = {
  jwks: token<RpcJwks>('session.jwks'),
  verifier: token<TokenVerifier>('session.verifier'),
  authenticator: token<Authenticator>('session.authenticator'),
  limits: token<RateLimits>('session.rate_limits'),
  caller: token<GatewayCaller>('session.caller'),
  ring: token<EventRing>('session.event_ring'),
  tickets: token<WsTickets>('session.ws_tickets'),
  leases: token<LeaseStore>('session.leases'),
  hub: token<SessionHub>('session.hub'),
} as const;

/** What is built from what in the gateway. */
export function registerSession(container: Container, settings: SessionSettings): void {
  const redis = (c: Container) => ({ redis: c.resolve(RESOURCE.redis) });
  container
    .register(SESSION.jwks, (c) => new RpcJwks({ rpc: c.resolve(RESOURCE.rpc), clock: c.resolve(RESOURCE.clock) }))
    .register(
      SESSION.verifier,
      (c) =>
        new TokenVerifier({
          source: c.resolve(SESSION.jwks),
          issuer: settings.tokenIssuer,
          clock: c.resolve(RESOURCE.clock),
        }),
    )
    .register(SESSION.authenticator, (c) => new Authenticator({ verifier: c.resolve(SESSION.verifier) }))
    .register(SESSION.limits, (c) => rateLimits(c, settings.rateLimitFactor))
    .register(SESSION.caller, (c) => {
      return new GatewayCaller({
        authenticator: c.resolve(SESSION.authenticator),
        limits: c.resolve(SESSION.limits),
        rpc: c.resolve(RESOURCE.rpc),
      });
    })
    .register(SESSION.ring, (c) => new EventRing(redis(c)))
    .register(SESSION.tickets, (c) => new WsTickets(redis(c)))
    .register(SESSION.leases, (c) => new LeaseStore(redis(c)))
    .register(SESSION.hub, (c) => sessionHub(c, settings.sockets));
}

function rateLimits(c: Container, factor: number): RateLimits {
  const limiter = new RateLimiter({ redis: c.resolve(RESOURCE.redis) });
  return new RateLimits({ limiter, factor, clock: c.resolve(RESOURCE.clock), logger: c.resolve(RESOURCE.logger) });
}

function sessionHub(c: Container, limits: HubLimits): SessionHub {
  return new SessionHub({
    authenticator: c.resolve(SESSION.authenticator),
    caller: c.resolve(SESSION.caller),
    ring: c.resolve(SESSION.ring),
    tickets: c.resolve(SESSION.tickets),
    limits,
    clock: c.resolve(RESOURCE.clock),
    rng: c.resolve(RESOURCE.rng),
    logger: c.resolve(RESOURCE.logger),
    metrics: c.resolve(RESOURCE.metrics),
  });
}
