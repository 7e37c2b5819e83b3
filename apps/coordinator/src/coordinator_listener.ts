import {
  BaseMicroserviceListener,
  type CommandContext,
  type ListenerDeps,
  type ValidatedCommand,
} from '@warren/command-center';
import type { CoordinationOrchestrator } from '@warren/coordination';

/** Broker ↔ orchestrator, for each of the coordinator's queues. */
export class CoordinatorListener extends BaseMicroserviceListener {
  readonly #orchestrator: CoordinationOrchestrator;

  constructor(deps: ListenerDeps, orchestrator: CoordinationOrchestrator) {
    super(deps);
    this.#orchestrator = orchestrator;
  }

  protected override processSingleCommand(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return this.#orchestrator.execute(command, context);
  }
}
