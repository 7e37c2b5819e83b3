import { AppError } from '@warren/kernel';
import { type Actor, type Delivery, decodeActor, ORIGIN_HEADER } from '@warren/rabbit';

export interface SenderIdentityDeps {
  /** Prefix of this service and what stands before prefixes in broker user names. */
  readonly prefix: string;
  readonly userPrefix: string;
  /** Development on a broker without own users: senders cannot be told apart and name themselves. */
  readonly singleUser: boolean;
}

/** Replays dead letters, whose first senders it names. */
const OPS = 'ops';
const GATEWAY = 'gateway';
const UNKNOWN = 'unknown';

/** Says which service sent a message and for whom it speaks. The broker has checked `userId` against the connection. */
export class SenderIdentity {
  readonly #deps: SenderIdentityDeps;

  constructor(deps: SenderIdentityDeps) {
    this.#deps = deps;
  }

  /** Senders cannot be told apart: nothing may be refused for its sender. */
  get unchecked(): boolean {
    return this.#deps.singleUser;
  }

  /** Prefix of the service that sent the message first. Only our own copies and replays of ops may name another one. */
  callerOf(delivery: Delivery): string {
    const { properties } = delivery;
    const { prefix, singleUser } = this.#deps;
    const sender = singleUser ? (properties.appId ?? UNKNOWN) : this.#prefixOf(properties.userId);
    if (sender !== prefix && sender !== OPS) return sender;
    const origin = properties.headers?.[ORIGIN_HEADER];
    return typeof origin === 'string' ? this.#prefixOf(origin) : sender;
  }

  /**
   * What a copy of this message says of its origin. Never the header as it came: whoever wrote it would be believed as
   * soon as the copy carries our own user.
   */
  originOf(delivery: Delivery): string {
    return this.#deps.userPrefix + this.callerOf(delivery);
  }

  /**
   * Only the gateway speaks for players and servers; any other service speaks for itself.
   * @throws AppError REQUEST_INVALID for headers that are not exactly what we write
   */
  actorOf(delivery: Delivery, caller: string): Actor {
    if (caller !== GATEWAY && !this.#deps.singleUser) return { kind: 'service', id: caller };
    const actor = decodeActor(delivery.properties.headers, caller);
    if (actor !== undefined) return actor;
    throw new AppError('REQUEST_INVALID', 'The headers do not say for whom the message speaks.', { kind: 'invalid' });
  }

  #prefixOf(user: string | undefined): string {
    const { userPrefix } = this.#deps;
    return user?.startsWith(userPrefix) === true ? user.slice(userPrefix.length) : UNKNOWN;
  }
}
