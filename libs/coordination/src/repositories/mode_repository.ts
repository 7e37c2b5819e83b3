import { sql, type Tx, tables } from '@warren/postgres';
import * as z from 'zod';
import { ModeSettings } from '../match.ts';

const Mode = z.object({
  name: z.string(),
  players: z.int(),
  join_timeout_s: z.int().nullable(),
  result_timeout_s: z.int().nullable(),
  settings: ModeSettings,
});
export type Mode = z.output<typeof Mode>;

/** SQL of `modes`. */
export class ModeRepository {
  async exists(tx: Tx, name: string): Promise<boolean> {
    const found = await sql`SELECT 1 FROM modes WHERE name = ${name}`.execute(tables(tx));
    return found.rows.length > 0;
  }

  /** Modes in which enough players wait for a match. */
  async namesToMatch(tx: Tx): Promise<readonly string[]> {
    const found = await sql<{ name: string }>`
      SELECT modes.name FROM modes JOIN tickets ON tickets.mode = modes.name AND tickets.state = 'active'
      GROUP BY modes.name HAVING count(*) >= modes.players ORDER BY modes.name`.execute(tables(tx));
    return found.rows.map((row) => row.name);
  }

  /**
   * Locks a mode for the rest of the transaction. FOR NO KEY UPDATE, because every new ticket holds a key-share lock on its
   * mode (foreign key): the stronger lock would wait for them and make them wait.
   * @returns undefined when another replica holds it
   */
  async lock(tx: Tx, name: string): Promise<Mode | undefined> {
    const found = await sql`
      SELECT name, players, join_timeout_s, result_timeout_s, settings FROM modes
      WHERE name = ${name} FOR NO KEY UPDATE SKIP LOCKED`.execute(tables(tx));
    return found.rows.length === 0 ? undefined : Mode.parse(found.rows[0]);
  }
}
