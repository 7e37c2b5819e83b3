import type { AuthOrchestrator } from '@warren/auth';
import {
  BaseMicroserviceListener,
  type CommandContext,
  type ListenerDeps,
  type ValidatedCommand,
} from '@warren/command-center';

/** The broker's side of auth-svc. */
export class AuthListener extends BaseMicroserviceListener {
  readonly #orchestrator: AuthOrchestrator;

  constructor(deps: ListenerDeps, orchestrator: AuthOrchestrator) {
    super(deps);
    this.#orchestrator = orchestrator;
  }

  protected override processSingleCommand(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return this.#orchestrator.execute(command, context);
  }
}
