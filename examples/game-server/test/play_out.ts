import type { Input, InputLog } from '@warren/example-game-server/game';
import { createRng, Match, MIN_TICKS, MOVES, nextInt, type Rng } from '@warren/example-game-server/game';

/** Decides the inputs of one player: called once per tick. */
export type Player = (match: Match, tick: number) => Input | undefined;

export const idle: Player = () => undefined;

/** Walks at random, a few steps in a direction, and dashes now and then. */
export function randomPlayer(seed: number): Player {
  const rng: Rng = createRng(seed);
  let heading: Input['move'] = 'stay';
  return (_match, tick) => {
    if (tick % 9 === 0) heading = MOVES[1 + nextInt(rng, 4)] ?? 'up';
    return { move: heading, dash: nextInt(rng, 20) === 0 };
  };
}

/** A match played to its end; both players send one input per tick unless their player says otherwise. */
export function playOut(seed: number, players: readonly [Player, Player], ticks = MIN_TICKS): Match {
  const match = new Match({ seed, players: ['ann', 'bob'], ticks });
  for (let tick = 0; !match.over; tick += 1) {
    for (const slot of [0, 1] as const) {
      const input = players[slot](match, tick);
      if (input === undefined) continue;
      const answer = match.offer(slot, { type: 'input', tick, ...input });
      if (!answer.ok) throw new Error(`refused: ${answer.code}`);
    }
    match.advance();
  }
  return match;
}

/** The log of a finished match. */
export function logOf(match: Match): InputLog {
  const log = match.log();
  if (log === undefined) throw new Error('the match is not over');
  return log;
}
