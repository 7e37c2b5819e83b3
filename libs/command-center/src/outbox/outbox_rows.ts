import { sql, type Tx, tables } from '@warren/postgres';
import type { CommandCenterTables } from './command_center_tables.ts';
import { LANE_SQL } from './lanes.ts';

export interface OutboxRow {
  readonly id: string;
  readonly exchange: string;
  readonly routing_key: string;
  readonly message_id: string;
  readonly type: string;
  readonly headers: string;
  readonly body: string;
}

const ROW_BASE_MS = 500;
const ROW_MAX_MS = 10_000;

/**
 * Makes this transaction the only one that relays. It ends within `holdMs` of silence: a process that was stopped in the
 * middle must not keep the others from the rows. False when another one has the lock.
 */
export async function lockOutbox(tx: Tx, prefix: string, holdMs: number): Promise<boolean> {
  const name = `outbox:${prefix}`;
  const lock = await sql<{ got: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ':' || ${name}::text, 0)) AS got,
      set_config('idle_in_transaction_session_timeout', ${String(holdMs)}, true)`.execute(tables(tx));
  return lock.rows[0]?.got === true;
}

/** Rows that may leave now, oldest first. One whose lane is held up by an earlier row waits with it. */
export async function dueRows(tx: Tx, limit: number): Promise<readonly OutboxRow[]> {
  const lane = sql.raw(LANE_SQL);
  const { rows } = await sql<OutboxRow>`
    WITH held AS (
      SELECT exchange, ${lane} AS lane, min(id) AS id FROM outbox WHERE attempts > 0 AND next_at > now() GROUP BY 1, 2)
    SELECT id, exchange, routing_key, message_id, type, headers, body FROM outbox
    WHERE next_at <= now() AND NOT EXISTS (
      SELECT FROM held WHERE held.exchange = outbox.exchange AND held.lane = ${lane} AND held.id < outbox.id)
    ORDER BY id LIMIT ${limit}`.execute(tables(tx));
  return rows;
}

export async function removeRows(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  await tables<CommandCenterTables>(tx).deleteFrom('outbox').where('id', 'in', ids).execute();
}

/** They were refused: the next try comes later each time. */
export async function deferRows(tx: Tx, ids: readonly string[]): Promise<void> {
  if (ids.length === 0) return;
  const waitMs = sql`least(${ROW_MAX_MS}::float8, ${ROW_BASE_MS} * power(2, least(attempts, 16))) * (0.5 + random() / 2)`;
  await tables<CommandCenterTables>(tx)
    .updateTable('outbox')
    .set({ attempts: sql<number>`attempts + 1`, next_at: sql<Date>`now() + ${waitMs} * interval '1 millisecond'` })
    .where('id', 'in', ids)
    .execute();
}
