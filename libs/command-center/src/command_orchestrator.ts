import { toAppError } from '@warren/kernel';
import { type Database, savepoint } from '@warren/postgres';
import type { CommandContext } from './command_context.ts';
import { faultOf } from './fault.ts';
import {
  claimMessage,
  findOutcome,
  fingerprintOf,
  type InboxEntry,
  type StoredOutcome,
  storeRefusal,
  storeReply,
} from './inbox/inbox.ts';
import type { ValidatedCommand } from './listener/validated_command.ts';
import { OutboxWriter } from './outbox/outbox_writer.ts';
import type { UnitOfWork } from './outbox/unit_of_work.ts';
import { TransactionContext } from './transaction_context.ts';

export interface CommandOrchestratorDeps {
  readonly database: Database;
  readonly unitOfWork: UnitOfWork;
  /** See RESOURCE.idempotencyKey. */
  readonly idempotencyKey: Buffer;
}

interface Run {
  readonly context: TransactionContext;
  readonly prepared: unknown;
}

/**
 * Owns the unit of work of every command of a service: prepare outside, then lock, inbox, apply, outbox and commit in one
 * transaction. Domain orchestrators extend it.
 */
export class CommandOrchestrator {
  readonly #deps: CommandOrchestratorDeps;

  constructor(deps: CommandOrchestratorDeps) {
    this.#deps = deps;
  }

  /** Resolves to the reply. @throws AppError (refusal or failure), or whatever the handler threw */
  async execute(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    if (command.binding.idempotency === 'inbox') return this.#throughInbox(command, context);
    const { binding, handler, payload } = command;
    const prepared = await handler.prepare(payload, context);
    if (binding.idempotency === 'read') return this.#read(command, context, prepared);
    return this.#deps.unitOfWork.run(
      (tx, outbox) => handler.apply(payload, new TransactionContext(context, tx, outbox), prepared),
      () => context.throwIfAborted(),
    );
  }

  async #throughInbox(command: ValidatedCommand, context: CommandContext): Promise<unknown> {
    const { handler, payload } = command;
    const entry = this.#entryOf(command, context);
    let outcome: StoredOutcome | undefined;
    let prepared: unknown;
    if (handler.prepares !== false) {
      // a repeated call must get its stored answer also while what `prepare` needs is away
      outcome = await findOutcome(this.#deps.database.read, entry);
      if (outcome === undefined) prepared = await handler.prepare(payload, context);
    }
    outcome ??= await this.#deps.unitOfWork.run(
      (tx, outbox) => this.#once(command, entry, { prepared, context: new TransactionContext(context, tx, outbox) }),
      () => context.throwIfAborted(),
    );
    if (outcome.kind === 'error') throw outcome.error;
    return outcome.value;
  }

  async #read(command: ValidatedCommand, context: CommandContext, prepared: unknown): Promise<unknown> {
    const outbox = new OutboxWriter();
    const read = new TransactionContext(context, this.#deps.database.read, outbox);
    const value = await command.handler.apply(command.payload, read, prepared);
    if (outbox.size > 0) throw new TypeError(`${command.binding.name} only reads and must not send messages`);
    return value;
  }

  /** A refusal is an outcome that is stored, not a failure of the transaction. */
  async #once(command: ValidatedCommand, entry: InboxEntry, { context, prepared }: Run): Promise<StoredOutcome> {
    const { handler, payload } = command;
    const { tx, outbox } = context;
    const stored = await claimMessage(tx, entry);
    if (stored !== undefined) return stored;
    try {
      const value = await savepoint(tx, () => handler.apply(payload, context, prepared));
      await storeReply(tx, entry, value);
      return { kind: 'value', value };
    } catch (cause) {
      const error = toAppError(cause);
      // a retry may end better, and a defect must be seen: nothing of them is stored
      if (faultOf(error) !== 'refusal') throw cause;
      outbox.clear();
      await storeRefusal(tx, entry, error);
      return { kind: 'error', error };
    }
  }

  #entryOf(command: ValidatedCommand, context: CommandContext): InboxEntry {
    const { binding, payload } = command;
    // one event reaches several groups under one message id: each has its own effect
    const scope = binding.kind === 'event' ? `${binding.group}:` : '';
    return {
      messageId: scope + context.messageId,
      command: binding.name,
      fingerprint: fingerprintOf(binding, payload, this.#deps.idempotencyKey),
    };
  }
}
