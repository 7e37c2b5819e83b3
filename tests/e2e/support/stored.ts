import { silentLogger } from '@warren/kernel';
import { Database, sql, type Tx, tables } from '@warren/postgres';
import { Metrics } from '@warren/telemetry';
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

/** Reads what the services have stored, past their APIs. */
export class Stored {
  readonly #open: Readonly<Record<Owner, Database>>;

  constructor(system: WarrenSystem) {
    const open = (owner: Owner): Database =>
      new Database({
        url: system.databaseUrl(owner),
        schema: SCHEMAS[owner],
        logger: silentLogger(),
        metrics: new Metrics('tests'),
        max: 1,
      });
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
