import type { Contract } from '@warren/contracts';
import { type AdmittedCall, type CallerInfo, type CallPort, validateStrictly } from '@warren/http';
import type { RpcClient } from '@warren/rabbit';
import { checkAccess } from './access_rule.ts';
import type { Authenticator } from './authenticator.ts';
import { messageIdOf } from './message_id.ts';
import { ANONYMOUS, actorOf, type Caller } from './principal.ts';
import type { RateLimits } from './rate_limits.ts';

export interface GatewayCallerDeps {
  readonly authenticator: Authenticator;
  readonly limits: RateLimits;
  readonly rpc: Pick<RpcClient, 'call'>;
}

/**
 * The one way from a client to a service, for HTTP and WebSocket alike: who is it, may they, how often, is the input
 * right, under which id. Only what passed all of it is sent.
 */
export class GatewayCaller implements CallPort {
  readonly #deps: GatewayCallerDeps;

  constructor(deps: GatewayCallerDeps) {
    this.#deps = deps;
  }

  /** @throws AppError ACCESS_UNAUTHENTICATED, ACCESS_FORBIDDEN, COMMAND_UNKNOWN, RATE_LIMITED */
  async admit(contract: Contract, info: CallerInfo): Promise<AdmittedCall> {
    return this.admitAs(contract, await this.#callerOf(contract, info), info);
  }

  /** As `admit`, for a caller that is known already: the owner of a socket. */
  async admitAs(contract: Contract, caller: Caller, info: CallerInfo): Promise<AdmittedCall> {
    checkAccess(contract, caller);
    await this.#deps.limits.take(contract, caller, info.address);
    return { call: (input) => this.#call(contract, caller, info, input) };
  }

  /** A token is looked at only where the contract wants one: a stale one must not keep a player from logging in. */
  async #callerOf(contract: Contract, info: CallerInfo): Promise<Caller> {
    const { kind } = contract.access;
    if (info.bearer === undefined || (kind !== 'player' && kind !== 'server')) return ANONYMOUS;
    return this.#deps.authenticator.authenticateFor(kind, info.bearer);
  }

  async #call(contract: Contract, caller: Caller, info: CallerInfo, input: unknown): Promise<unknown> {
    const dto = validateStrictly(contract, input);
    const messageId = messageIdOf(contract, caller, info);
    const deadlineMs = Math.min(contract.deadlineMs, info.deadlineMs ?? contract.deadlineMs);
    return this.#deps.rpc.call(contract, dto, { messageId, deadlineMs, actor: actorOf(caller) });
  }
}
