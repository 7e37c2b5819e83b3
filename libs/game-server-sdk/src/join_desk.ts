import type { JoinClaims, TokenVerifier } from '@warren/tokens';
import { WarrenError } from '@warren/wire';

/** Tickets remembered as used; a ticket lives a minute, so this is far more than a server can admit. */
const MAX_USED = 100_000;

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

  /** @throws WarrenError JOIN_TICKET_REFUSED */
  async admit(ticket: string): Promise<JoinClaims> {
    let claims: JoinClaims;
    try {
      claims = await this.#verifier.verifyJoinTicket(ticket, { instanceId: this.#instanceId });
    } catch (cause) {
      throw new WarrenError('JOIN_TICKET_REFUSED', 'The join ticket is not valid here.', { cause });
    }
    this.#forgetEnded();
    if (this.#used.has(claims.jti)) throw new WarrenError('JOIN_TICKET_REFUSED', 'The join ticket was used already.');
    if (this.#used.size >= MAX_USED) throw new WarrenError('JOIN_DESK_FULL', 'Too many players join at once.', { retryable: true });
    this.#used.set(claims.jti, claims.exp);
    return claims;
  }

  #forgetEnded(): void {
    const now = Date.now() / 1_000;
    for (const [id, ends] of this.#used) {
      if (ends > now - 60) break;
      this.#used.delete(id);
    }
  }
}
