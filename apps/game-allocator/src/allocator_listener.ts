import {
  BaseMicroserviceListener,
  type CommandContext,
  type CommandOrchestrator,
  type ListenerDeps,
  type ValidatedCommand,
} from '@warren/command-center';

/** Hands the allocator's commands, synchronous and durable ones alike, to its orchestrator. */
export class AllocatorListener extends BaseMicroserviceListener {
  readonly #orchestrator: CommandOrchestrator;

  constructor(deps: ListenerDeps, orchestrator: CommandOrchestrator) {
    super(deps);
    this.#orchestrator = orchestrator;
  }

  protected override processSingleCommand(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return this.#orchestrator.execute(command, context);
  }
}
