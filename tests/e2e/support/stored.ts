import { type Database, sql, type Tx, tables } from '@warren/postgres';
import { testDatabase } from './test_database.ts';
import type { WarrenSystem } from './warren_system.ts';

type Owner = 'coordinator' | 'allocator';

const SCHEMAS = { coordinator: 'coordination', allocator: 'allocation' } as const;

export interface StoredMatch {
  readonly game_id: string;
  readonly state: string;
  readonly failure: string | null;
  readonly winner: string | null;
  readonly state_hash: string | null;
  readonly inputs: number | null;
  readonly seed: string;
}

export interface StoredTicket {
  readonly id: string;
  readonly client_tag: string;
  readonly state: string;
  readonly game_id: string | null;
}

/** Reads what the services have stored, past their APIs. */
export class Stored {
  readonly #open: Readonly<Record<Owner, Database>>;

  constructor(system: WarrenSystem) {
    const open = (owner: Owner): Database => testDatabase(system.databaseUrl(owner), SCHEMAS[owner]);
    this.#open = { coordinator: open('coordinator'), allocator: open('allocator') };
  }

  async close(): Promise<void> {
    await Promise.all(Object.values(this.#open).map((database) => database.close()));
  }

  async match(gameId: string): Promise<StoredMatch | undefined> {
    const { rows } = await sql<StoredMatch>`
      SELECT game_id, state, failure, winner, state_hash, inputs, seed FROM matches WHERE game_id = ${gameId}`.execute(
      this.#tables('coordinator'),
    );
    return rows[0];
  }

  /** States of all matches that are not over. */
  async liveMatches(): Promise<readonly string[]> {
    const { rows } = await sql<{
      state: string;
    }>`SELECT state FROM matches WHERE state NOT IN ('ended', 'failed')`.execute(this.#tables('coordinator'));
    return rows.map(({ state }) => state);
  }

  async countMatches(state: string): Promise<number> {
    const { rows } = await sql<{
      count: number;
    }>`SELECT count(*)::int AS count FROM matches WHERE state = ${state}`.execute(this.#tables('coordinator'));
    return rows[0]?.count ?? 0;
  }

  /** Every ticket that was ever made for a mode. */
  async tickets(mode: string): Promise<readonly StoredTicket[]> {
    const { rows } = await sql<StoredTicket>`
      SELECT id, client_tag, state, game_id FROM tickets WHERE mode = ${mode}`.execute(this.#tables('coordinator'));
    return rows;
  }

  /** Players who were in a match that ended so, once per match: `game player`. */
  async toldPlayers(): Promise<readonly string[]> {
    const { rows } = await sql<{ told: string }>`
      SELECT m.game_id::text || ' ' || p.player_id::text AS told FROM matches m JOIN match_players p USING (game_id)
      WHERE m.state IN ('ended', 'failed')`.execute(this.#tables('coordinator'));
    return rows.map(({ told }) => told).sort();
  }

  /** Messages that have not left yet. */
  async outboxRows(): Promise<number> {
    let rows = 0;
    for (const owner of ['coordinator', 'allocator'] as const) {
      const found = await sql<{ count: number }>`SELECT count(*)::int AS count FROM outbox`.execute(
        this.#tables(owner),
      );
      rows += found.rows[0]?.count ?? 0;
    }
    return rows;
  }

  /** Tickets that wait or are in a match that is not over. */
  async liveTickets(): Promise<number> {
    const { rows } = await sql<{
      count: number;
    }>`SELECT count(*)::int AS count FROM tickets WHERE state IN ('active', 'matched')`.execute(
      this.#tables('coordinator'),
    );
    return rows[0]?.count ?? 0;
  }

  /** Places in use by the directory's count, and leases that live. */
  async usedPlaces(): Promise<{ readonly used: number; readonly leases: number }> {
    const { rows } = await sql<{ used: number; leases: number }>`
      SELECT (SELECT coalesce(sum(used), 0)::int FROM servers) AS used,
             (SELECT count(*)::int FROM leases WHERE state IN ('reserved', 'confirmed')) AS leases`.execute(
      this.#tables('allocator'),
    );
    return rows[0] ?? { used: 0, leases: 0 };
  }

  async addMode(mode: {
    readonly name: string;
    readonly players: number;
    readonly resultTimeoutSeconds?: number;
  }): Promise<void> {
    const { name, players, resultTimeoutSeconds = null } = mode;
    await sql`INSERT INTO modes (name, players, result_timeout_s) VALUES (${name}, ${players}, ${resultTimeoutSeconds})`.execute(
      this.#tables('coordinator'),
    );
  }

  #tables(owner: Owner): ReturnType<typeof tables> {
    const { read }: { read: Tx } = this.#open[owner];
    return tables(read);
  }
}
