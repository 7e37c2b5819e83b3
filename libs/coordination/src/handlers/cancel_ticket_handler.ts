import { type ApplyContext, type CommandHandler, playerIdOf } from '@warren/command-center';
import type { TicketIdDto, TicketReply } from '@warren/contracts';
import { raise } from '../coordination_errors.ts';
import type { TicketRepository } from '../repositories/ticket_repository.ts';

export interface TicketHandlerDeps {
  readonly tickets: TicketRepository;
}

/** Takes a waiting player out of the queue. The row lock decides against the matcher: either one wins whole. */
export class CancelTicketHandler implements CommandHandler<TicketIdDto, TicketReply> {
  readonly #tickets: TicketRepository;

  constructor(deps: TicketHandlerDeps) {
    this.#tickets = deps.tickets;
  }

  async apply(dto: TicketIdDto, context: ApplyContext): Promise<TicketReply> {
    const ticket = await this.#tickets.lock(context.tx, dto.ticket_id, playerIdOf(context.command));
    if (ticket === undefined) throw raise('COORDINATOR_TICKET_NOT_FOUND');
    if (ticket.state === 'cancelled') return ticket;
    if (ticket.state !== 'active') throw raise('COORDINATOR_TICKET_MATCHED');
    await this.#tickets.cancel(context.tx, ticket.ticket_id);
    return { ...ticket, state: 'cancelled' };
  }
}
