import { createHash } from 'node:crypto';
import type { GameState } from './game_state.ts';
import { MOVES } from './garden.ts';

const HASH_VERSION = 1;

/**
 * SHA-256 (hex) over every field of the state. The encoding is a list in a written order, never the keys of an
 * object: two states that play on equally have equal hashes on every machine.
 */
export function stateHash(state: GameState): string {
  const { fox } = state;
  const canonical = [
    HASH_VERSION,
    state.seed,
    state.players,
    state.ticks,
    state.tick,
    state.phase,
    state.winner,
    state.reason,
    state.coin,
    state.rng.state,
    state.garden.map((hedge) => (hedge ? '1' : '0')).join(''),
    state.rabbits.map((rabbit) => [
      rabbit.cell,
      MOVES.indexOf(rabbit.heading),
      rabbit.score,
      rabbit.wait,
      rabbit.dashLeft,
      MOVES.indexOf(rabbit.dashMove),
      rabbit.dashReadyAt,
      rabbit.stunnedUntil,
      rabbit.safeUntil,
      rabbit.lastCollectAt,
    ]),
    [fox.cell, fox.target, fox.wait, fox.napUntil],
    state.carrots.map((carrot) => [carrot.cell, carrot.golden ? 1 : 0, carrot.ripeAt, carrot.goneAt]),
  ];
  return createHash('sha256').update(JSON.stringify(canonical)).digest('hex');
}
