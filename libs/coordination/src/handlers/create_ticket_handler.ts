import { type ApplyContext, type CommandHandler, playerIdOf } from '@warren/command-center';
import type { CreateTicketDto, TicketReply } from '@warren/contracts';
import { raise } from '../coordination_errors.ts';
import type { ModeRepository } from '../repositories/mode_repository.ts';
import type { TicketRepository } from '../repositories/ticket_repository.ts';

export interface CreateTicketDeps {
  readonly modes: ModeRepository;
  readonly tickets: TicketRepository;
}

/** Queues a player. A player has one live ticket: of parallel requests one wins, by the unique index. */
export class CreateTicketHandler implements CommandHandler<CreateTicketDto, TicketReply> {
  readonly #deps: CreateTicketDeps;

  constructor(deps: CreateTicketDeps) {
    this.#deps = deps;
  }

  async apply(dto: CreateTicketDto, context: ApplyContext): Promise<TicketReply> {
    const { modes, tickets } = this.#deps;
    const { mode, client_tag: clientTag } = dto;
    if (!(await modes.exists(context.tx, mode))) throw raise('COORDINATOR_MODE_UNKNOWN');
    const { traceparent: trace } = context.command;
    const ticket = await tickets.create(context.tx, { playerId: playerIdOf(context.command), mode, clientTag, trace });
    if (ticket === undefined) throw raise('COORDINATOR_TICKET_ACTIVE');
    return ticket;
  }
}
