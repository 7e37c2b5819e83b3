import { digest, newSecret } from '@warren/kernel';
import type { RedisClient } from '@warren/redis';
import * as z from 'zod';
import type { Principal } from '../caller/principal.ts';

/** A ticket that is not used by then is worthless, seconds. */
export const TICKET_TTL_SECONDS = 30;
const TICKET_BYTES = 32;

const StoredPrincipal: z.ZodType<Principal> = z.discriminatedUnion('kind', [
  z.object({
    kind: z.literal('player'),
    id: z.string(),
    sessionId: z.string(),
    roles: z.array(z.string()),
    expiresAt: z.number(),
  }),
  z.object({ kind: z.literal('server'), id: z.string(), expiresAt: z.number() }),
]);

/** Tickets that open one socket each, so that no token ever stands in an address. Redis holds only their digests. */
export class WsTickets {
  readonly #redis: RedisClient;

  constructor(deps: { readonly redis: RedisClient }) {
    this.#redis = deps.redis;
  }

  /** @throws AppError SERVICE_UNAVAILABLE */
  async issue(principal: Principal): Promise<string> {
    const ticket = newSecret(TICKET_BYTES);
    await this.#redis.commands.set(keyOf(ticket), JSON.stringify(principal), 'EX', TICKET_TTL_SECONDS);
    return ticket;
  }

  /** Who the ticket was issued to, once; undefined for a ticket that is used, old or invented. @throws AppError SERVICE_UNAVAILABLE */
  async redeem(ticket: string): Promise<Principal | undefined> {
    const stored = await this.#redis.commands.getdel(keyOf(ticket));
    if (stored === null) return undefined;
    return StoredPrincipal.parse(JSON.parse(stored));
  }
}

const keyOf = (ticket: string): string => `ws_ticket:${digest(ticket)}`;
