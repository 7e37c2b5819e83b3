import { randomUUID } from 'node:crypto';
import { RELEASE_GAME } from '@warren/contracts';
import { type Database, sql, tables } from '@warren/postgres';
import { EXCHANGE } from '@warren/rabbit';
import { RawBroker } from '@warren/testing';
import { testDatabase } from '../../e2e/support/test_database.ts';
import type { WarrenSystem } from '../../e2e/support/warren_system.ts';

/** Several, because each release locks the row of its server. */
const SERVERS = Array.from({ length: 20 }, (_, index) => `lab-${index}`);

/** Sends the durable command that ends a game, as the coordinator does. */
export function sendRelease(coordinator: RawBroker, game: string): Promise<void> {
  const body = Buffer.from(JSON.stringify({ game_id: game, reason: 'ended' }));
  return coordinator.publish(EXCHANGE.commands, RELEASE_GAME.name, body, {
    contentType: 'application/json',
    messageId: `release-${game}`,
    type: `${RELEASE_GAME.name}@${RELEASE_GAME.version}`,
    userId: coordinator.user,
    appId: 'coordinator',
    persistent: true,
    mandatory: true,
  });
}

/**
 * Durable commands with an effect that is easy to count: games on a server that gets no others, each of which is released. Every
 * release gives one place back; a second one for the same game would make the count of used places negative, which the table
 * refuses.
 */
export class ReleaseBacklog {
  readonly #system: WarrenSystem;
  readonly #database: Database;

  constructor(system: WarrenSystem) {
    this.#system = system;
    this.#database = testDatabase(system.databaseUrl('allocator'), 'allocation');
  }

  /** Puts `count` running games into the fleet. */
  async prepare(count: number): Promise<readonly string[]> {
    const games = Array.from({ length: count }, () => randomUUID());
    await this.#database.transaction(async (tx) => {
      await sql`
        WITH placed AS (
          INSERT INTO leases (lease_id, game_id, instance_id, state, resource_level, match, confirmed_at)
          SELECT gen_random_uuid(), game::uuid, (${SERVERS}::text[])[1 + (row_number() OVER () - 1) % ${SERVERS.length}],
            'confirmed', 'low', '{}', now()
          FROM unnest(${games}::text[]) AS game RETURNING instance_id),
        counted AS (SELECT instance_id, count(*)::int AS games FROM placed GROUP BY instance_id)
        INSERT INTO servers (instance_id, address, region, version, tags, declared_capacity, capacity, used, state)
        SELECT instance_id, 'ws://127.0.0.1:9', 'lab', '0', '{}', games, games, games, 'draining' FROM counted
        ON CONFLICT (instance_id) DO UPDATE
          SET capacity = servers.capacity + excluded.capacity, used = servers.used + excluded.used`.execute(tables(tx));
    });
    return games;
  }

  /** Sends every release twice, as a publisher does that missed a confirm. */
  async send(games: readonly string[]): Promise<void> {
    const broker = await RawBroker.connect(this.#system.brokerUrl('coordinator'));
    await Promise.all([...games, ...games].map((game) => sendRelease(broker, game)));
    await broker.close();
  }

  /** Games that were not released yet, and places that the fleet counts as used. */
  async left(): Promise<{ readonly games: number; readonly places: number }> {
    const { rows } = await sql<{ games: number; places: number }>`
      SELECT (SELECT count(*)::int FROM leases WHERE instance_id = ANY (${SERVERS}::text[]) AND state <> 'released') AS games,
             (SELECT sum(used)::int FROM servers WHERE instance_id = ANY (${SERVERS}::text[])) AS places`.execute(
      tables(this.#database.read),
    );
    return rows[0] ?? { games: 0, places: 0 };
  }

  close(): Promise<void> {
    return this.#database.close();
  }
}
