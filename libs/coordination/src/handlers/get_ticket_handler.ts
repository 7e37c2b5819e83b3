import { type ApplyContext, type CommandHandler, playerIdOf } from '@warren/command-center';
import type { TicketIdDto, TicketReply } from '@warren/contracts';
import { raise } from '../coordination_errors.ts';
import type { TicketRepository } from '../repositories/ticket_repository.ts';
import type { TicketHandlerDeps } from './cancel_ticket_handler.ts';

/** A ticket of one's own; another player's looks like none. */
export class GetTicketHandler implements CommandHandler<TicketIdDto, TicketReply> {
  readonly #tickets: TicketRepository;

  constructor(deps: TicketHandlerDeps) {
    this.#tickets = deps.tickets;
  }

  async apply(dto: TicketIdDto, context: ApplyContext): Promise<TicketReply> {
    const ticket = await this.#tickets.find(context.tx, dto.ticket_id, playerIdOf(context.command));
    if (ticket === undefined) throw raise('COORDINATOR_TICKET_NOT_FOUND');
    return ticket;
  }
}
