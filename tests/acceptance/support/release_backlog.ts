import { randomUUID } from 'node:crypto';
import { RELEASE_GAME } from '@warren/contracts';
import { silentLogger } from '@warren/kernel';
import { Database, sql, tables } from '@warren/postgres';
import { ConfirmedPublisher, EXCHANGE, RabbitLink } from '@warren/rabbit';
import { Metrics } from '@warren/telemetry';
import type { WarrenSystem } from '../../e2e/support/warren_system.ts';

/** Several, because each release locks the row of its server. */
const SERVERS = Array.from({ length: 20 }, (_, index) => `lab-${index}`);
const READY_TIMEOUT_MS = 20_000;
const CONFIRM_TIMEOUT_MS = 10_000;
const FLUSH_MS = 1_000;

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
    const shared = { logger: silentLogger(), metrics: new Metrics('tests') };
    this.#database = new Database({
      ...shared,
      url: system.databaseUrl('allocator'),
      schema: 'allocation',
      service: 'tests',
      max: 1,
    });
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
    const shared = { logger: silentLogger(), metrics: new Metrics('tests') };
    const url = this.#system.brokerUrl('coordinator');
    const link = new RabbitLink({ ...shared, url, role: 'publish', name: 'tests.publish' });
    const publisher = new ConfirmedPublisher({ ...shared, link, prefix: 'coordinator' });
    link.start();
    await link.ready(READY_TIMEOUT_MS);
    const publish = (game: string) =>
      publisher.publish(
        {
          exchange: EXCHANGE.commands,
          key: RELEASE_GAME.name,
          type: `${RELEASE_GAME.name}@${RELEASE_GAME.version}`,
          messageId: `release-${game}`,
          body: Buffer.from(JSON.stringify({ game_id: game, reason: 'ended' })),
          persistent: true,
        },
        { timeoutMs: CONFIRM_TIMEOUT_MS },
      );
    const outcomes = await Promise.all([...games, ...games].map(publish));
    await publisher.stop(FLUSH_MS);
    await link.stop();
    const failed = outcomes.filter((outcome) => outcome !== 'confirmed');
    if (failed.length > 0) throw new Error(`${failed.length} releases were not stored: ${failed[0]}`);
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
