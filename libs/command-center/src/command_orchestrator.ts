import { toAppError } from '@warren/kernel';
import { type Database, limitLockWaits, savepoint, type Tx } from '@warren/postgres';
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
import { endTurn, type Turn, takeTurn } from './ordering/blocked_keys.ts';
import { claimVersion } from './ordering/key_versions.ts';
import { keyOf, versionOf } from './ordering/order_key.ts';
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
      async (tx, outbox) => {
        await begin(tx, context);
        await claimNewest(tx, command);
        return handler.apply(payload, new TransactionContext(context, tx, outbox), prepared);
      },
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
      context.throwIfAborted();
      // nor must anything be prepared for a command that is not its key's turn
      if (outcome === undefined) await turnOf(this.#deps.database.read, command, context.messageId);
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

  async #once(command: ValidatedCommand, entry: InboxEntry, run: Run): Promise<StoredOutcome> {
    const { tx, command: context } = run.context;
    await begin(tx, context);
    const stored = await claimMessage(tx, entry);
    const turn = stored === undefined ? await turnOf(tx, command, context.messageId) : 'first';
    const outcome = stored ?? (await this.#applied(command, entry, run));
    if (turn === 'first' && isInSequence(command)) await endTurn(tx, context.messageId);
    return outcome;
  }

  /** A refusal is an outcome that is stored, not a failure of the transaction. */
  async #applied(command: ValidatedCommand, entry: InboxEntry, { context, prepared }: Run): Promise<StoredOutcome> {
    const { handler, payload } = command;
    const { tx, outbox } = context;
    try {
      const value = await savepoint(tx, async () => {
        await claimNewest(tx, command);
        return handler.apply(payload, context, prepared);
      });
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

/** The wait for a connection may have taken all of the time, and the waits that follow may take what is left. */
async function begin(tx: Tx, context: CommandContext): Promise<void> {
  context.throwIfAborted();
  await limitLockWaits(tx, context.remainingMs);
}

const isInSequence = ({ binding }: ValidatedCommand): boolean =>
  binding.kind === 'command' && binding.contract.order === 'sequence';

/** @throws AppError COMMAND_KEY_BLOCKED for a command in sequence whose key waits for another one */
async function turnOf(tx: Tx, command: ValidatedCommand, messageId: string): Promise<Turn> {
  const { binding, payload } = command;
  if (binding.kind !== 'command' || binding.contract.order !== 'sequence') return 'free';
  const key = keyOf(binding.contract, payload);
  return key === undefined ? 'free' : takeTurn(tx, key, messageId);
}

/** @throws AppError COMMAND_STALE for a command ordered by version that is not the newest of its key */
async function claimNewest(tx: Tx, { binding, payload }: ValidatedCommand): Promise<void> {
  if (binding.kind !== 'command' || binding.contract.order !== 'version') return;
  const key = keyOf(binding.contract, payload);
  if (key === undefined) return;
  await claimVersion(tx, { command: binding.name, key, version: versionOf(binding.contract, payload) });
}
