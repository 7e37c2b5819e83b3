import { systemClock } from '@warren/kernel';
import { migrate, sql, tables } from '@warren/postgres';
import { type TempDatabase, tempDatabase } from '@warren/testing';
import type { CoordinationSettings } from '../src/coordination_settings.ts';
import { coordinationMigrations } from '../src/migrations/coordination_migrations.ts';
import { Replica } from './test_replica.ts';
import { Services } from './test_services.ts';

/** Fast where a test waits for a retry, slow where a match must stay as it is. */
export const SETTINGS: CoordinationSettings = {
  noServerTimeoutMs: 60_000,
  inviteTimeoutMs: 60_000,
  joinTimeoutMs: 60_000,
  resultTimeoutMs: 60_000,
  stepTimeoutMs: 5_000,
  pollMs: 20,
};

export interface MatchRow {
  readonly game_id: string;
  readonly state: string;
  readonly failure: string | null;
  readonly lease_id: string | null;
  readonly players: string[];
}

export interface OutboxRow {
  readonly trace: string | undefined;
  readonly body: {
    readonly recipient: string;
    readonly type: string;
    readonly game_id?: string;
    readonly payload: Record<string, unknown>;
  };
}

/** A database of one test, the services around it, and the replicas that work on it. */
export class TestCoordinator {
  readonly services = new Services();
  readonly #temp: TempDatabase;
  readonly #settings: CoordinationSettings;
  readonly #replicas: Replica[] = [];

  constructor(temp: TempDatabase, settings: CoordinationSettings) {
    this.#temp = temp;
    this.#settings = settings;
  }

  static async open(settings: Partial<CoordinationSettings> = {}): Promise<TestCoordinator> {
    const database = await tempDatabase();
    await migrate(database.url, coordinationMigrations, { role: database.user });
    return new TestCoordinator(database, { ...SETTINGS, ...settings });
  }

  replica(): Replica {
    const replica = new Replica(this.#temp.url, this.#settings, this.services);
    this.#replicas.push(replica);
    return replica;
  }

  async close(): Promise<void> {
    await Promise.all(this.#replicas.map((replica) => replica.stop()));
    await Promise.all(this.#replicas.map((replica) => replica.database.close()));
    await this.#temp.drop();
  }

  async query<Row>(statement: string): Promise<Row[]> {
    const [replica] = this.#replicas;
    if (replica === undefined) throw new Error('make a replica first');
    return (await sql<Row>`${sql.raw(statement)}`.execute(tables(replica.database.read))).rows;
  }

  matches(): Promise<MatchRow[]> {
    return this.query(`
      SELECT game_id, state, failure, lease_id,
        (SELECT array_agg(player_id::text ORDER BY slot) FROM match_players p WHERE p.game_id = m.game_id) AS players
      FROM matches m ORDER BY created_at, game_id`);
  }

  async only(): Promise<MatchRow> {
    const [match, ...others] = await this.matches();
    if (match === undefined || others.length > 0)
      throw new Error(`expected one match, found ${others.length + (match === undefined ? 0 : 1)}`);
    return match;
  }

  /** Waits until the one match there is has this state. */
  async until(state: string): Promise<MatchRow> {
    const giveUp = Date.now() + 10_000;
    for (;;) {
      const match = await this.only();
      if (match.state === state) return match;
      if (Date.now() > giveUp) throw new Error(`the match is ${match.state}, not ${state}`);
      await systemClock.sleep(15);
    }
  }

  /** Outbox rows of one message, in the order in which they leave. */
  async outbox(name: string): Promise<OutboxRow[]> {
    const rows = await this.query<{ headers: string; body: string }>(
      `SELECT headers, body FROM outbox WHERE type LIKE '${name}@%' ORDER BY id`,
    );
    return rows.map((row) => {
      const body = JSON.parse(row.body) as OutboxRow['body'];
      return { trace: /"traceparent":"00-([0-9a-f]{32})-/.exec(row.headers)?.[1], body };
    });
  }

  /** Rows that break what must always hold; every list is empty. */
  violations(): Promise<unknown[]> {
    return this.query(`
      SELECT 'live ticket of a match that is over' AS what, t.id::text AS id FROM tickets t JOIN matches m USING (game_id)
      WHERE t.state = 'matched' AND m.state IN ('ended', 'failed')
      UNION ALL
      SELECT 'player in two live matches', p.player_id::text FROM match_players p JOIN matches m USING (game_id)
      WHERE m.state NOT IN ('ended', 'failed') GROUP BY p.player_id HAVING count(*) > 1
      UNION ALL
      SELECT 'player not told once of the end', p.player_id::text FROM match_players p JOIN matches m USING (game_id)
      WHERE m.state IN ('ended', 'failed') AND (
        SELECT count(*) FROM outbox o WHERE o.type = 'coordinator.match_' || m.state || '@1'
          AND o.body::jsonb ->> 'recipient' = 'player:' || p.player_id AND o.body::jsonb -> 'payload' ->> 'game_id' = m.game_id::text) <> 1
      UNION ALL
      SELECT 'place on the game server not given back', m.game_id::text FROM matches m
      WHERE m.state IN ('ended', 'failed') AND NOT EXISTS (
        SELECT 1 FROM outbox o WHERE o.type = 'allocator.release_game@1' AND o.body::jsonb ->> 'game_id' = m.game_id::text)`);
  }
}
