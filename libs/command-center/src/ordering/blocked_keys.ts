import { AppError } from '@warren/kernel';
import { type Database, sql, type Tx, tables } from '@warren/postgres';
import { lockMessage } from '../inbox/inbox.ts';
import { KEY_BLOCKED } from '../listener/outcome.ts';

/**
 * Commands of a key that were parked, in their order: rows of `blocked_commands`. As long as there is one the key is
 * blocked. Only the first of them may run, when it is replayed; its end removes the row, and the next one is the first.
 * Whoever replays the dead letters in their order therefore keeps the order of the key. Whoever drops a letter instead
 * removes its row as well: `releaseKeys`.
 */

/** `free`: the key is not blocked. `first`: it is, and this message is the one that it waits for. */
export type Turn = 'free' | 'first';

/** @throws AppError COMMAND_KEY_BLOCKED when the key waits for another message */
export async function takeTurn(tx: Tx, key: string, messageId: string): Promise<Turn> {
  const { rows } = await sql<{ message_id: string }>`
    SELECT message_id FROM blocked_commands WHERE key = ${key} ORDER BY position LIMIT 1`.execute(tables(tx));
  const [first] = rows;
  if (first === undefined) return 'free';
  if (first.message_id === messageId) return 'first';
  throw new AppError(KEY_BLOCKED, 'An earlier command of this key was parked and has to be decided first.', {
    kind: 'conflict',
  });
}

/** The message has had its end, whichever. */
export async function endTurn(tx: Tx, messageId: string): Promise<void> {
  await sql`DELETE FROM blocked_commands WHERE message_id = ${messageId}`.execute(tables(tx));
}

/**
 * For parked commands that are not done any more: they hold up their keys no longer. Resolves to the number of those that did.
 */
export function releaseKeys(database: Database, messageIds: readonly string[]): Promise<number> {
  return database.transaction(async (tx) => {
    const { rows } = await sql`
      DELETE FROM blocked_commands WHERE message_id = ANY (${[...messageIds]}) RETURNING true`.execute(tables(tx));
    return rows.length;
  });
}

export interface BlockedCommand {
  readonly key: string;
  readonly messageId: string;
  readonly command: string;
  /** Of the error. */
  readonly code: string;
}

/** `busy`: the same message is being worked on elsewhere. `done`: it was, and needs no parking. */
export type Blocking = 'blocked' | 'busy' | 'done';

/** Marks keys as blocked. */
export class BlockedKeys {
  readonly #database: Database;

  constructor({ database }: { readonly database: Database }) {
    this.#database = database;
  }

  /**
   * Puts a message that is about to be parked into the list of its key. Under the lock of its message id, so that nobody
   * who still works on it elsewhere commits afterwards without seeing the mark.
   */
  block({ key, messageId, command, code }: BlockedCommand): Promise<Blocking> {
    return this.#database.transaction(async (tx) => {
      if (!(await lockMessage(tx, messageId))) return 'busy';
      const { rows } = await sql<{ done: boolean }>`
        SELECT EXISTS (SELECT FROM inbox WHERE message_id = ${messageId}) AS done`.execute(tables(tx));
      if (rows[0]?.done === true) return 'done';
      await sql`INSERT INTO blocked_commands (key, message_id, command, code)
        VALUES (${key}, ${messageId}, ${command}, ${code}) ON CONFLICT (message_id) DO NOTHING`.execute(tables(tx));
      return 'blocked';
    });
  }
}
