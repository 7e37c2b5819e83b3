import type { Contract, EventContract, PayloadOf, Recipient } from '@warren/contracts';
import type { Tx } from '@warren/postgres';
import type * as z from 'zod';
import type { CommandContext } from './command_context.ts';
import type { ApplyContext } from './command_handler.ts';
import type { OutboxWriter } from './outbox/outbox_writer.ts';

/** The ApplyContext of one transaction. */
export class TransactionContext implements ApplyContext {
  readonly command: CommandContext;
  readonly tx: Tx;
  readonly outbox: OutboxWriter;

  constructor(command: CommandContext, tx: Tx, outbox: OutboxWriter) {
    this.command = command;
    this.tx = tx;
    this.outbox = outbox;
  }

  emit<E extends EventContract>(event: E, payload: PayloadOf<E>): void {
    this.outbox.emit(event, payload);
  }

  push<E extends EventContract>(event: E, recipient: Recipient, payload: PayloadOf<E>): void {
    this.outbox.push(event, recipient, payload);
  }

  send<C extends Contract>(contract: C, dto: z.input<C['dto']>, messageId?: string): void {
    this.outbox.send(contract, dto, messageId);
  }
}
