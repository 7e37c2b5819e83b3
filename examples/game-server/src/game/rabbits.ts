import { scatterCarrots } from './carrots.ts';
import type { GameEvent, Slot } from './game_event.ts';
import { otherSlot, SLOTS } from './game_event.ts';
import type { GameState, Rabbit } from './game_state.ts';
import type { Move } from './garden.ts';
import { neighbour } from './garden.ts';
import type { Input } from './input_frame.ts';
import { nextInt } from './rng.ts';
import * as rules from './rules.ts';

interface Plan {
  from: number;
  to: number;
  dashing: boolean;
}

/**
 * Gives a rabbit its heading and starts a dash. Without an input it keeps its heading: one lost packet must not
 * stop it, and a keyboard without key-up events is enough to play.
 */
export function steer(state: GameState, slot: Slot, input: Input | undefined): GameEvent[] {
  if (input === undefined) return [];
  const rabbit = state.rabbits[slot];
  rabbit.heading = input.move;
  const ready = rabbit.dashReadyAt <= state.tick && rabbit.stunnedUntil <= state.tick;
  if (!input.dash || input.move === 'stay' || !ready) return [];
  // A dash against a hedge would only burn the rest: it does not start.
  if (neighbour(state.garden, rabbit.cell, input.move) === undefined) return [];
  rabbit.dashLeft = rules.DASH_TICKS;
  rabbit.dashMove = input.move;
  rabbit.dashReadyAt = state.tick + rules.DASH_COOLDOWN_TICKS;
  return [{ type: 'dash', slot }];
}

function moveDue(state: GameState, rabbit: Rabbit): Move {
  if (rabbit.wait > 0) rabbit.wait -= 1;
  if (rabbit.stunnedUntil > state.tick) return 'stay';
  if (rabbit.dashLeft > 0) return rabbit.dashMove;
  return rabbit.wait === 0 ? rabbit.heading : 'stay';
}

function planMove(state: GameState, slot: Slot): Plan {
  const rabbit = state.rabbits[slot];
  const move = moveDue(state, rabbit);
  const to = neighbour(state.garden, rabbit.cell, move);
  if (to === undefined) rabbit.dashLeft = 0;
  const dashing = rabbit.dashLeft > 0;
  if (dashing) rabbit.dashLeft -= 1;
  return { from: rabbit.cell, to: to ?? rabbit.cell, dashing };
}

function applyMove(rabbit: Rabbit, plan: Plan): void {
  if (plan.to === plan.from) return;
  rabbit.cell = plan.to;
  rabbit.wait = rules.STEP_TICKS;
}

/** Takes points from a rabbit that can be robbed; returns how many, or undefined when it is still safe. */
export function rob(state: GameState, slot: Slot, points: number, stunTicks: number): number | undefined {
  const rabbit = state.rabbits[slot];
  if (rabbit.safeUntil > state.tick) return undefined;
  const lost = Math.min(rabbit.score, points);
  rabbit.score -= lost;
  rabbit.dashLeft = 0;
  rabbit.stunnedUntil = state.tick + stunTicks;
  rabbit.safeUntil = state.tick + rules.SAFE_TICKS;
  return lost;
}

function bump(state: GameState, victim: Slot): GameEvent[] {
  const lost = rob(state, victim, rules.BUMP_DROP, rules.BUMP_STUN_TICKS);
  if (lost === undefined) return [];
  scatterCarrots(state, state.rabbits[victim].cell, lost);
  return [{ type: 'bump', slot: victim, lost }];
}

/**
 * Two rabbits wanted the same cell or each other's. Who dashes bumps the other and both stay;
 * of two walkers towards one free cell a coin lets one in, or both would push for ever.
 */
function meet(state: GameState, plans: readonly [Plan, Plan]): GameEvent[] {
  const attackers = SLOTS.filter((slot) => plans[slot].dashing && plans[slot].to !== plans[slot].from);
  if (attackers.length > 0) {
    for (const slot of attackers) state.rabbits[slot].dashLeft = 0;
    return attackers.flatMap((slot) => bump(state, otherSlot(slot)));
  }
  const bothMove = SLOTS.every((slot) => plans[slot].to !== plans[slot].from);
  if (bothMove && plans[0].to === plans[1].to) {
    const first: Slot = nextInt(state.rng, 2) === 0 ? 0 : 1;
    applyMove(state.rabbits[first], plans[first]);
  }
  return [];
}

/** Moves both rabbits at the same time: neither slot goes first. */
export function moveRabbits(state: GameState): GameEvent[] {
  const plans: readonly [Plan, Plan] = [planMove(state, 0), planMove(state, 1)];
  const swap = plans[0].to === plans[1].from && plans[1].to === plans[0].from;
  if (swap || plans[0].to === plans[1].to) return meet(state, plans);
  for (const slot of SLOTS) applyMove(state.rabbits[slot], plans[slot]);
  return [];
}
