import { type Kysely, sql } from 'kysely';
import { DEFAULT_TIMEOUTS } from './connection_settings.ts';

/**
 * Runs statements: those of one transaction, or each for itself. What tables it sees is said where it is used:
 * `tables<AuthTables>(tx)`.
 */
export class Tx {
  readonly #executor: Kysely<unknown>;

  constructor(executor: Kysely<unknown>) {
    this.#executor = executor;
  }

  static executorOf(tx: Tx): Kysely<unknown> {
    return tx.#executor;
  }
}

/** The typed view of a transaction; `T` maps table names to row types. Costs nothing. */
export function tables<T>(tx: Tx): Kysely<T> {
  // oxlint-disable-next-line typescript/no-unsafe-type-assertion -- table types have no counterpart at run time, and each domain knows only its own
  return Tx.executorOf(tx) as unknown as Kysely<T>;
}

const SAVEPOINT = sql`savepoint warren_step`;
const RELEASE = sql`release savepoint warren_step`;
const ROLLBACK = sql`rollback to savepoint warren_step`;

/**
 * Runs `work` so that its statements can be undone without ending the transaction: when it throws, they are rolled back
 * and the error is thrown on. May be nested. Throws SERVICE_UNAVAILABLE when the connection was lost meanwhile.
 */
export async function savepoint<T>(tx: Tx, work: (tx: Tx) => Promise<T>): Promise<T> {
  const executor = Tx.executorOf(tx);
  await SAVEPOINT.execute(executor);
  let result: T;
  try {
    result = await work(tx);
  } catch (error) {
    await ROLLBACK.execute(executor);
    // Released as well, because an outer savepoint of the same name is hidden until then.
    await RELEASE.execute(executor);
    throw error;
  }
  await RELEASE.execute(executor);
  return result;
}

/**
 * From here to its end the transaction waits for a lock for `ms` at most: who asked has gone by then, and others need the
 * connection. Costs nothing while the general limit is shorter.
 */
export async function limitLockWaits(tx: Tx, ms: number): Promise<void> {
  if (ms >= DEFAULT_TIMEOUTS.lockMs) return;
  const limit = `${Math.max(1, Math.ceil(ms))}ms`;
  // a connection may have a shorter limit of its own
  await sql`select set_config('lock_timeout', ${limit}, true)
    where current_setting('lock_timeout')::interval > ${limit}::interval`.execute(Tx.executorOf(tx));
}
