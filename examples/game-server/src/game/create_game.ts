import { sowPair } from './carrots.ts';
import { GameError } from './game_error.ts';
import type { GameOptions, GameState } from './game_state.ts';
import { rabbitAtHome } from './game_state.ts';
import { DEN, growGarden } from './garden.ts';
import { createRng, nextInt } from './rng.ts';
import { FIRST_CARROT_PAIRS, FOX_NAP_TICKS, MAX_TICKS, MIN_TICKS } from './rules.ts';

export function isPlayerId(value: unknown): value is string {
  return typeof value === 'string' && value.length >= 1 && value.length <= 128;
}

function assertOptions({ seed, players, ticks }: GameOptions): void {
  const fail = (message: string): never => {
    throw new GameError('GAME_BAD_OPTIONS', message);
  };
  if (!Number.isInteger(seed) || seed < 0 || seed > 0xffffffff) fail('seed must be an unsigned 32-bit integer');
  if (!Number.isInteger(ticks) || ticks < MIN_TICKS || ticks > MAX_TICKS) {
    fail(`ticks must be an integer from ${MIN_TICKS} to ${MAX_TICKS}`);
  }
  if (!players.every(isPlayerId) || players[0] === players[1]) {
    fail('players must be two distinct ids of 1 to 128 characters');
  }
}

/** A new game before its first tick. Throws GameError GAME_BAD_OPTIONS. */
export function createGame(options: GameOptions): GameState {
  assertOptions(options);
  const rng = createRng(options.seed);
  const garden = growGarden(rng);
  const state: GameState = {
    seed: options.seed,
    players: [options.players[0], options.players[1]],
    ticks: options.ticks,
    garden,
    coin: nextInt(rng, 2) === 0 ? 0 : 1,
    rng,
    rabbits: [rabbitAtHome(0), rabbitAtHome(1)],
    fox: { cell: DEN, target: -1, wait: 0, napUntil: FOX_NAP_TICKS },
    carrots: [],
    tick: 0,
    phase: 'play',
    winner: -1,
    reason: 'none',
  };
  for (let pair = 0; pair < FIRST_CARROT_PAIRS; pair += 1) sowPair(state, 0);
  return state;
}
