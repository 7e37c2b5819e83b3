import { type ApplyContext, type HandlerFor, serverIdOf } from '@warren/command-center';
import {
  ALLOCATOR_ERRORS,
  type REGISTER_SERVER,
  type RegisterServerDto,
  type RegisterServerReply,
} from '@warren/contracts';
import { errorFactory } from '@warren/kernel';
import { HEARTBEAT_INTERVAL_MS } from '../allocation_settings.ts';
import type { ServerRepository } from '../repositories/server_repository.ts';
import type { AddressPolicy } from '../services/address_policy.ts';

const raise = errorFactory(ALLOCATOR_ERRORS);

interface RegisterServerHandlerDeps {
  readonly servers: ServerRepository;
  readonly addresses: AddressPolicy;
}

/**
 * Puts a server into the directory, or renews its entry after a restart. Its leases are not touched: whether the new
 * process still runs them is what its heartbeats say, and what they leave out for too long is lost like any other game.
 */
export class RegisterServerHandler implements HandlerFor<typeof REGISTER_SERVER> {
  readonly #deps: RegisterServerHandlerDeps;

  constructor(deps: RegisterServerHandlerDeps) {
    this.#deps = deps;
  }

  async apply(dto: RegisterServerDto, context: ApplyContext): Promise<RegisterServerReply> {
    const instanceId = serverIdOf(context.command);
    if (!this.#deps.addresses.allows(dto.address)) {
      const message = 'is not among the addresses that players may be sent to';
      throw raise('ALLOCATOR_ADDRESS_REFUSED', { fields: [{ path: 'address', message }] });
    }
    await this.#deps.servers.register(context.tx, { ...dto, instanceId });
    context.command.logger.info(
      { instance: instanceId, capacity: dto.capacity, version: dto.version },
      'game server registered',
    );
    return { instance_id: instanceId, heartbeat_interval_ms: HEARTBEAT_INTERVAL_MS };
  }
}
