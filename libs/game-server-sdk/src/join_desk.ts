import type { TokenVerifier } from '@warren/tokens';
import { WarrenError } from '@warren/wire';
import type { JoinClaims } from './join_claims.ts';

/** Tickets remembered as used; a ticket lives a minute, so this is far more than a server can admit. */
const MAX_USED = 100_000;
/** A ticket is believed this much longer than it lives, because clocks differ. */
const KEEP_SECONDS = 60;

/** Admits players by their join tickets: signature, server and time are checked offline, and each ticket works once. */
export class JoinDesk {
  readonly #verifier: TokenVerifier;
  readonly #instanceId: string;
  /** Ticket id → epoch seconds at which it ends anyway. Oldest first. */
  readonly #used = new Map<string, number>();

  constructor(verifier: TokenVerifier, instanceId: string) {
    this.#verifier = verifier;
    this.#instanceId = instanceId;
  }

  /**
   * Uses the ticket up where `isOpen` takes its game; a player who comes too early may come again.
   * @throws WarrenError JOIN_TICKET_REFUSED, or retryable: SERVICE_UNAVAILABLE without keys, JOIN_DESK_FULL
   */
  async admit(ticket: string, isOpen: (gameId: string) => boolean | Promise<boolean>): Promise<JoinClaims> {
    const claims = await this.#verify(ticket);
    const open = await isOpen(claims.game_id);
    this.#forgetEnded();
    // from here on nothing is awaited: of the same ticket twice at a time one is used
    if (!open) throw new WarrenError('JOIN_TICKET_REFUSED', 'This game does not run here.');
    if (this.#used.has(claims.jti)) throw new WarrenError('JOIN_TICKET_REFUSED', 'The join ticket was used already.');
    if (this.#used.size >= MAX_USED)
      throw new WarrenError('JOIN_DESK_FULL', 'Too many players join at once.', { retryable: true });
    this.#used.set(claims.jti, claims.exp);
    return claims;
  }

  async #verify(ticket: string): Promise<JoinClaims> {
    try {
      const { sub, game_id, slot, jti, exp } = await this.#verifier.verifyJoinTicket(ticket, {
        instanceId: this.#instanceId,
      });
      return { sub, game_id, slot, jti, exp };
    } catch (cause) {
      const unknown = cause instanceof Error && 'code' in cause && cause.code === 'SERVICE_UNAVAILABLE';
      if (unknown)
        throw new WarrenError('SERVICE_UNAVAILABLE', 'The keys of the platform cannot be had now.', {
          retryable: true,
          cause,
        });
      throw new WarrenError('JOIN_TICKET_REFUSED', 'The join ticket is not valid here.', { cause });
    }
  }

  #forgetEnded(): void {
    const now = Date.now() / 1_000;
    for (const [id, ends] of this.#used) {
      if (ends > now - KEEP_SECONDS) break;
      this.#used.delete(id);
    }
  }
}
