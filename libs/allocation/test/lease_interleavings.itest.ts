import { randomUUID } from 'node:crypto';
import { AppError } from '@warren/kernel';
import fc from 'fast-check';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ALLOCATION } from '../src/allocation_container.ts';
import { type Replica, TestAllocator } from './test_allocator.ts';

/** Work for two replicas at the same time, over a few games and servers, so that they meet as often as can be. */
type Step = GameStep | ServerStep | { readonly kind: 'sweep' | 'flush' };
interface GameStep {
  readonly kind: 'assign' | 'release' | 'confirm' | 'overdue';
  readonly game: number;
}
interface ServerStep {
  readonly kind: 'heartbeat' | 'drain' | 'register' | 'lose';
  readonly server: number;
  readonly capacity: number;
  readonly running: boolean;
}

const GAMES = 5;
const SERVERS = 3;
const RUNS = 40;

const arbitraryStep: fc.Arbitrary<Step> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      kind: fc.constantFrom('assign' as const, 'release' as const, 'confirm' as const, 'overdue' as const),
      game: fc.nat(GAMES - 1),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      kind: fc.constantFrom('heartbeat' as const, 'drain' as const, 'register' as const, 'lose' as const),
      server: fc.nat(SERVERS - 1),
      capacity: fc.integer({ min: 1, max: 3 }),
      running: fc.boolean(),
    }),
  },
  { weight: 2, arbitrary: fc.record({ kind: fc.constantFrom('sweep' as const, 'flush' as const) }) },
);

let store: TestAllocator;
let replicas: readonly [Replica, Replica];

beforeAll(async () => {
  store = await TestAllocator.open();
  replicas = [store.replica(), store.replica()];
});

afterAll(() => store.close());

class World {
  readonly #games = Array.from({ length: GAMES }, () => randomUUID());
  readonly #servers = Array.from({ length: SERVERS }, () => `srv-${randomUUID().slice(0, 8)}`);

  async reset(): Promise<void> {
    await store.query('TRUNCATE servers, leases, outbox');
    for (const id of this.#servers) await replicas[0].register(id, 2);
  }

  /** Refusals of the rules are part of the game; a failure, also one that a retry would mend, ends the test. */
  async take(step: Step, replica: Replica): Promise<void> {
    try {
      await this.#act(step, replica);
    } catch (error) {
      if (!(error instanceof AppError) || !error.code.startsWith('ALLOCATOR_')) throw error;
    }
  }

  async #act(step: Step, replica: Replica): Promise<unknown> {
    if ('game' in step) return this.#actOnGame(step.kind, this.#games[step.game] ?? '', replica);
    if ('server' in step) return this.#actOnServer(step, this.#servers[step.server] ?? '', replica);
    return step.kind === 'sweep' ? replica.container.resolve(ALLOCATION.sweeper).tick() : store.tempRedis.drop();
  }

  async #actOnGame(kind: GameStep['kind'], game: string, replica: Replica): Promise<unknown> {
    if (kind === 'assign') return replica.assign(game);
    if (kind === 'release') return replica.release(game);
    if (kind === 'overdue')
      return store.query(
        `UPDATE leases SET expires_at = now() - interval '1 s' WHERE game_id = '${game}' AND state = 'reserved'`,
      );
    const [lease] = await store.leases(`game_id = '${game}' AND state = 'reserved'`);
    return lease && replica.confirm(lease.instance_id, game, lease.lease_id);
  }

  async #actOnServer(step: ServerStep, id: string, replica: Replica): Promise<unknown> {
    if (step.kind === 'drain') return replica.drain(id);
    if (step.kind === 'register') return replica.register(id, step.capacity);
    if (step.kind === 'lose') return store.query(`UPDATE servers SET state = 'lost' WHERE instance_id = '${id}'`);
    await store.query(
      `UPDATE leases SET missing_since = missing_since - interval '10 s' WHERE instance_id = '${id}' AND missing_since IS NOT NULL`,
    );
    return replica.heartbeat(id, { games: step.running ? this.#games : [] });
  }
}

/** Each lease that ended otherwise than by release was told once; nothing else was. */
async function misreportedEnds(): Promise<unknown[]> {
  return store.query(`
    SELECT lease_id, state, count(outbox.id)::int AS told FROM leases
    LEFT JOIN outbox ON outbox.type LIKE 'allocator.lease_lost@%' AND outbox.body::jsonb ->> 'lease_id' = lease_id::text
    GROUP BY lease_id HAVING count(outbox.id) <> CASE WHEN state IN ('expired', 'lost') THEN 1 ELSE 0 END`);
}

test('whatever two replicas do at once, no server is over capacity, no game has two leases and every loss is told once', {
  timeout: 180_000,
}, async () => {
  const arbitraryWork = fc.array(fc.array(arbitraryStep, { minLength: 2, maxLength: 8 }), {
    minLength: 3,
    maxLength: 6,
  });
  await fc.assert(
    fc.asyncProperty(arbitraryWork, async (rounds) => {
      const world = new World();
      await world.reset();
      for (const steps of rounds) {
        await Promise.all(steps.map((step, index) => world.take(step, replicas[index % 2 === 0 ? 0 : 1])));
        expect(await store.violations()).toEqual([]);
      }
      expect(await misreportedEnds()).toEqual([]);
    }),
    { numRuns: RUNS },
  );
});
