import { type CommandContext, CommandOrchestrator, type ValidatedCommand } from '@warren/command-center';
import { CommittedRefusal } from './committed_refusal.ts';

/**
 * The unit of work of auth. It adds one thing: a refusal may have an effect (the reuse of a refresh token is refused, and
 * ends its session), which the rollback of an ordinary refusal would undo.
 */
export class AuthOrchestrator extends CommandOrchestrator {
  override async execute(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    if (command.binding.idempotency !== 'own') return super.execute(command, context);
    const outcome = await super.execute({ ...command, handler: keepingRefusals(command.handler) }, context);
    if (outcome instanceof CommittedRefusal) throw outcome.refusal;
    return outcome;
  }
}

function keepingRefusals(handler: ValidatedCommand['handler']): ValidatedCommand['handler'] {
  return {
    prepare: (payload, context) => handler.prepare(payload, context),
    apply: async (payload, context, prepared) => {
      try {
        return await handler.apply(payload, context, prepared);
      } catch (cause) {
        if (cause instanceof CommittedRefusal) return cause;
        throw cause;
      }
    },
  };
}
