import { collectCarrots, growCarrots, sowGolden, sowPair } from './carrots.ts';
import { biteRabbits, moveFox, sendFoxHome } from './fox.ts';
import type { GameEvent, Slot } from './game_event.ts';
import { SLOTS } from './game_event.ts';
import type { GameState, WinReason } from './game_state.ts';
import { rabbitAtHome } from './game_state.ts';
import type { Input } from './input_frame.ts';
import { moveRabbits, steer } from './rabbits.ts';
import { OVERTIME_CARROT_PAIRS, OVERTIME_TICKS, SPROUT_TICKS } from './rules.ts';

/** Both go home, keep their points and start even; the first lead wins. */
function beginOvertime(state: GameState): GameEvent[] {
  state.phase = 'overtime';
  for (const slot of SLOTS) {
    const { score, lastCollectAt } = state.rabbits[slot];
    Object.assign(state.rabbits[slot], rabbitAtHome(slot), { score, lastCollectAt });
  }
  sendFoxHome(state);
  state.carrots = [];
  for (let pair = 0; pair < OVERTIME_CARROT_PAIRS; pair += 1) sowPair(state, SPROUT_TICKS);
  sowGolden(state, OVERTIME_TICKS);
  return [{ type: 'overtime' }];
}

function finish(state: GameState, winner: Slot, reason: WinReason): GameEvent[] {
  state.phase = 'over';
  state.winner = winner;
  state.reason = reason;
  return [{ type: 'over', winner }];
}

/** Whether the game ends before the tick `state.tick`, which nobody has played yet. */
function settle(state: GameState): GameEvent[] {
  const [a, b] = state.rabbits;
  if (state.phase === 'play' && state.tick < state.ticks) return [];
  if (a.score !== b.score) {
    return finish(state, a.score > b.score ? 0 : 1, state.phase === 'play' ? 'score' : 'overtime');
  }
  if (state.phase === 'play') return beginOvertime(state);
  if (state.tick < state.ticks + OVERTIME_TICKS) return [];
  if (a.lastCollectAt !== b.lastCollectAt) {
    return finish(state, a.lastCollectAt > b.lastCollectAt ? 0 : 1, 'last_carrot');
  }
  return finish(state, state.coin, 'coin');
}

/**
 * Simulates the tick `state.tick` with the inputs of slot 0 and 1 (undefined: none came) and returns what happened.
 * Changes `state`. A finished game stays as it is and nothing happens.
 */
export function step(state: GameState, inputs: readonly [Input | undefined, Input | undefined]): GameEvent[] {
  if (state.phase === 'over') return [];
  const events = growCarrots(state);
  for (const slot of SLOTS) events.push(...steer(state, slot, inputs[slot]));
  events.push(...moveRabbits(state), ...biteRabbits(state));
  moveFox(state);
  events.push(...biteRabbits(state), ...collectCarrots(state));
  state.tick += 1;
  events.push(...settle(state));
  return events;
}
