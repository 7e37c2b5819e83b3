import { type CommandContext, CommandOrchestrator, type ValidatedCommand } from '@warren/command-center';
import { REFRESH } from '@warren/contracts';
import { hashSecret } from '../services/refresh_secret.ts';
import { CommittedRefusal } from './committed_refusal.ts';

/**
 * The unit of work of auth. It adds two things. A refusal may have an effect (the reuse of a refresh token is refused, and
 * ends its session), which the rollback of an ordinary refusal would undo. And refreshes of one token that arrive while
 * one is under way share its answer: they would get the same one, but each would hold a connection while it waits for the
 * session's lock, and one client could so keep every player waiting.
 */
export class AuthOrchestrator extends CommandOrchestrator {
  /** By hash of the token; at most one per task of the listener. */
  readonly #refreshes = new Map<string, Promise<unknown>>();

  override execute(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    return command.binding.name === REFRESH.name ? this.#share(command, context) : this.#run(command, context);
  }

  #share(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    const key = hashSecret(REFRESH.dto.parse(command.payload).refresh_token).toString('base64');
    const running = this.#refreshes.get(key);
    if (running !== undefined) return running;
    const started = this.#run(command, context).finally(() => this.#refreshes.delete(key));
    this.#refreshes.set(key, started);
    return started;
  }

  async #run(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
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
