import type { GameEvent, Slot } from './game_event.ts';
import { SLOTS } from './game_event.ts';
import type { GameState } from './game_state.ts';
import { DEN, distancesFrom, exits, FAR } from './garden.ts';
import { rob } from './rabbits.ts';
import { nextInt, pick } from './rng.ts';
import * as rules from './rules.ts';

export function isFoxAwake(state: GameState): boolean {
  return state.fox.napUntil <= state.tick;
}

/** The leader; at equal score whom it already hunts, else the nearer one, else a coin. */
function chooseTarget(state: GameState): Slot {
  const [a, b] = state.rabbits;
  if (a.score !== b.score) return a.score > b.score ? 0 : 1;
  if (state.fox.target !== -1) return state.fox.target;
  const distances = distancesFrom(state.garden, state.fox.cell);
  const gap = (distances[a.cell] ?? FAR) - (distances[b.cell] ?? FAR);
  if (gap !== 0) return gap < 0 ? 0 : 1;
  return nextInt(state.rng, 2) === 0 ? 0 : 1;
}

/** Lays the fox down in its den, from where it forgets whom it hunted. */
export function sendFoxHome(state: GameState): void {
  state.fox.cell = DEN;
  state.fox.target = -1;
  state.fox.wait = 0;
  state.fox.napUntil = state.tick + rules.FOX_NAP_TICKS;
}

/** Bites a rabbit in the fox's cell, whoever it hunts; a rabbit that is still safe is left alone. */
export function biteRabbits(state: GameState): GameEvent[] {
  if (!isFoxAwake(state)) return [];
  const slot = SLOTS.find((each) => state.rabbits[each].cell === state.fox.cell);
  if (slot === undefined) return [];
  const lost = rob(state, slot, rules.FOX_BITE, rules.FOX_STUN_TICKS);
  if (lost === undefined) return [];
  sendFoxHome(state);
  return [{ type: 'bite', slot, lost }];
}

/** One step of the hunt along a shortest path; ties are drawn, or one side of the garden would be safer. */
export function moveFox(state: GameState): void {
  const { fox } = state;
  if (!isFoxAwake(state)) return;
  fox.target = chooseTarget(state);
  fox.wait = Math.max(0, fox.wait - 1);
  const prey = state.rabbits[fox.target].cell;
  if (fox.wait > 0 || fox.cell === prey) return;
  const distances = distancesFrom(state.garden, prey);
  const here = distances[fox.cell] ?? FAR;
  const nearer = exits(state.garden, fox.cell).filter((exit) => (distances[exit.cell] ?? FAR) < here);
  fox.cell = pick(state.rng, nearer)?.cell ?? fox.cell;
  fox.wait = rules.FOX_STEP_TICKS;
}
