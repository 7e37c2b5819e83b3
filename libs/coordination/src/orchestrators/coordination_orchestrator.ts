import {
  type CommandContext,
  CommandOrchestrator,
  type CommandOrchestratorDeps,
  type ValidatedCommand,
} from '@warren/command-center';
import { CREATE_TICKET } from '@warren/contracts';

export interface CoordinationOrchestratorDeps extends CommandOrchestratorDeps {
  /** A ticket was committed; see Matcher. */
  readonly onTicket: () => void;
}

/** The unit of work of the coordinator's commands. A committed ticket wakes this replica's matcher at once. */
export class CoordinationOrchestrator extends CommandOrchestrator {
  readonly #onTicket: () => void;

  constructor(deps: CoordinationOrchestratorDeps) {
    super(deps);
    this.#onTicket = deps.onTicket;
  }

  override async execute(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    const reply = await super.execute(command, context);
    if (command.binding.name === CREATE_TICKET.name) this.#onTicket();
    return reply;
  }
}
