import type { Contract, DtoOf, EventContract, PayloadOf, Recipient } from '@warren/contracts';
import type { Tx } from '@warren/postgres';
import type * as z from 'zod';
import type { CommandContext } from './command_context.ts';

/** Messages that leave when, and only when, the transaction commits. */
export interface Outbox {
  /** Tells other services: `warren.events`. */
  emit<E extends EventContract>(event: E, payload: PayloadOf<E>): void;
  /** Tells one player or game server, at least once and in order: `warren.push`. The event needs a `client` type. */
  push<E extends EventContract>(event: E, recipient: Recipient, payload: PayloadOf<E>): void;
  /** Sends a durable command to another service: `warren.commands`. The contract needs the way `command`. */
  send<C extends Contract>(contract: C, dto: z.input<C['dto']>, messageId?: string): void;
}

/** What `apply` works with: the transaction of the effect and the messages that leave with it. It has no RPC on purpose. */
export interface ApplyContext extends Outbox {
  readonly command: CommandContext;
  readonly tx: Tx;
}

/**
 * One command's rule. `prepare` does what must not hold a transaction open (hashing, RPC, HTTP); `apply` is SQL only and
 * runs inside the transaction. Members are function-typed so that the compiler compares DTOs strictly.
 */
export interface CommandHandler<Dto, Reply, Prepared = undefined> {
  readonly prepare?: (dto: Dto, context: CommandContext) => Promise<Prepared>;
  readonly apply: (dto: Dto, context: ApplyContext, prepared: Prepared) => Promise<Reply>;
}

export type HandlerFor<C extends Contract, Prepared = undefined> = CommandHandler<
  DtoOf<C>,
  z.input<C['reply']>,
  Prepared
>;

/** Reacts to an event of another service, once per event and group. */
export interface EventHandler<Payload> {
  readonly apply: (payload: Payload, context: ApplyContext) => Promise<void>;
}
