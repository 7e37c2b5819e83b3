import { type ApplyContext, type HandlerFor, serverIdOf } from '@warren/command-center';
import { ALLOCATOR_ERRORS, type DRAIN_SERVER, type DrainServerReply } from '@warren/contracts';
import { errorFactory } from '@warren/kernel';
import type { ServerRepository } from '../repositories/server_repository.ts';

const raise = errorFactory(ALLOCATOR_ERRORS);

interface DrainServerHandlerDeps {
  readonly servers: ServerRepository;
}

/** The server gets no new games; a new registration makes it ready again. */
export class DrainServerHandler implements HandlerFor<typeof DRAIN_SERVER> {
  readonly #deps: DrainServerHandlerDeps;

  constructor(deps: DrainServerHandlerDeps) {
    this.#deps = deps;
  }

  async apply(_dto: unknown, context: ApplyContext): Promise<DrainServerReply> {
    const instanceId = serverIdOf(context.command);
    const games = await this.#deps.servers.drain(context.tx, instanceId);
    if (games === undefined) throw raise('ALLOCATOR_SERVER_UNKNOWN');
    context.command.logger.info({ instance: instanceId, games }, 'game server drains');
    return { draining: true, games };
  }
}
