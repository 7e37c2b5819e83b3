import { expect, it } from 'vitest';
import { EarlyJoins } from '../src/early_joins.ts';
import { type Game, GameBook } from '../src/game_book.ts';

const GAME = '0197a3c0-0000-7000-8000-000000000001';

function assign(games: GameBook): Game {
  return games.open({
    game_id: GAME,
    lease_id: '0197a3c0-0000-7000-8000-000000000002',
    state: 'reserved',
    expires_at: null,
    match: { mode: 'duel', players: [], seed: 1 },
  });
}

it('lets a player wait whose ticket overtook the assignment, and asks for it', async () => {
  const games = new GameBook();
  let asked = 0;
  const early = new EarlyJoins({ games, wake: () => asked++ });
  const answer = early.opens(GAME);
  const game = assign(games);
  setTimeout(() => {
    game.state = 'running';
  }, 100);
  await expect(answer).resolves.toBe(true);
  expect(asked).toBe(1);
});

it('answers at once for a game that runs or is over', async () => {
  const games = new GameBook();
  const early = new EarlyJoins({ games, wake: () => expect.unreachable() });
  const game = assign(games);
  game.state = 'running';
  await expect(early.opens(GAME)).resolves.toBe(true);
  games.end(game);
  const startedAt = performance.now();
  await expect(early.opens(GAME)).resolves.toBe(false);
  expect(performance.now() - startedAt).toBeLessThan(1_000);
});

it('turns a player away whose game could not be prepared', async () => {
  const games = new GameBook();
  const game = assign(games);
  const answer = new EarlyJoins({ games, wake: () => undefined }).opens(GAME);
  games.end(game);
  await expect(answer).resolves.toBe(false);
});

it('gives up after a while on a game that never comes', async () => {
  await expect(new EarlyJoins({ games: new GameBook(), wake: () => undefined }).opens(GAME)).resolves.toBe(false);
});
