import type { HandlerFor } from '@warren/command-center';
import type { ISSUE_JOIN_TICKET, IssueJoinTicketDto, IssueJoinTicketReply } from '@warren/contracts';
import type { SigningKey, TokenSigner } from '@warren/tokens';
import type { SigningKeyRing } from '../services/signing_key_ring.ts';

const JOIN_TICKET_SECONDS = 60;

export interface IssueJoinTicketHandlerDeps {
  readonly keys: SigningKeyRing;
  readonly signer: TokenSigner;
}

/** Signs one ticket per player of a match. Nothing is stored: the game server counts a ticket's id once. */
export class IssueJoinTicketHandler implements HandlerFor<typeof ISSUE_JOIN_TICKET, IssueJoinTicketReply> {
  readonly #deps: IssueJoinTicketHandlerDeps;

  constructor(deps: IssueJoinTicketHandlerDeps) {
    this.#deps = deps;
  }

  async prepare(dto: IssueJoinTicketDto): Promise<IssueJoinTicketReply> {
    const key = await this.#deps.keys.active();
    const signed = dto.players.map((player) => this.#sign(key, dto, player));
    const firstEnd = Math.min(...signed.map(({ expiresAt }) => expiresAt.getTime()));
    return {
      expires_at: new Date(firstEnd).toISOString(),
      tickets: signed.map(({ player_id, slot, token }) => ({ player_id, slot, join_ticket: token })),
    };
  }

  async apply(_dto: IssueJoinTicketDto, _context: unknown, reply: IssueJoinTicketReply): Promise<IssueJoinTicketReply> {
    return reply;
  }

  #sign(key: SigningKey, dto: IssueJoinTicketDto, player: IssueJoinTicketDto['players'][number]) {
    const { player_id, slot } = player;
    const claims = { sub: player_id, slot, game_id: dto.game_id, instanceId: dto.instance_id };
    const { token, expiresAt } = this.#deps.signer.signJoinTicket(key, claims, JOIN_TICKET_SECONDS);
    return { player_id, slot, token, expiresAt };
  }
}
