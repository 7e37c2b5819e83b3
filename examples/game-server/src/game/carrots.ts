import type { GameEvent } from './game_event.ts';
import { SLOTS } from './game_event.ts';
import type { GameState } from './game_state.ts';
import { cellAt, DEN, distancesFrom, FAR, MIDDLE_COLUMN, mirrorOf, stepsApart } from './garden.ts';
import { nextInt } from './rng.ts';
import * as rules from './rules.ts';

const SOW_ATTEMPTS = 40;

function isOccupied(state: GameState, cell: number): boolean {
  return cell === DEN || state.garden[cell] === true || state.carrots.some((carrot) => carrot.cell === cell);
}

function canSow(state: GameState, cell: number): boolean {
  if (isOccupied(state, cell)) return false;
  return state.rabbits.every((rabbit) => stepsApart(rabbit.cell, cell) > rules.SOW_DISTANCE);
}

/** Sows one carrot and its mirror image, so that neither side is favoured; a full garden stays as it is. */
export function sowPair(state: GameState, sproutTicks: number): void {
  for (let attempt = 0; attempt < SOW_ATTEMPTS; attempt += 1) {
    const cell = cellAt(nextInt(state.rng, MIDDLE_COLUMN), nextInt(state.rng, rules.GARDEN_HEIGHT));
    const mirror = mirrorOf(cell);
    if (!canSow(state, cell) || !canSow(state, mirror)) continue;
    const ripeAt = state.tick + sproutTicks;
    state.carrots.push(
      { cell, golden: false, ripeAt, goneAt: -1 },
      { cell: mirror, golden: false, ripeAt, goneAt: -1 },
    );
    return;
  }
}

/** Sows the golden carrot in the middle column, equally far from both homes; false when no cell was free. */
export function sowGolden(state: GameState, lifeTicks: number): boolean {
  for (let attempt = 0; attempt < SOW_ATTEMPTS; attempt += 1) {
    const cell = cellAt(MIDDLE_COLUMN, nextInt(state.rng, rules.GARDEN_HEIGHT));
    if (!canSow(state, cell)) continue;
    const ripeAt = state.tick + rules.SPROUT_TICKS;
    state.carrots.push({ cell, golden: true, ripeAt, goneAt: ripeAt + lifeTicks });
    return true;
  }
  return false;
}

/** How often a golden carrot comes: about four times per match, within bounds. */
function goldenPeriod(ticks: number): number {
  const quarter = Math.trunc(ticks / 4);
  return Math.min(rules.GOLDEN_MAX_PERIOD_TICKS, Math.max(rules.GOLDEN_MIN_PERIOD_TICKS, quarter));
}

/** What grows and withers at the start of a tick. */
export function growCarrots(state: GameState): GameEvent[] {
  state.carrots = state.carrots.filter((carrot) => carrot.goneAt === -1 || carrot.goneAt > state.tick);
  const due = state.tick > 0 && state.tick % rules.SOW_EVERY_TICKS === 0;
  if (due && state.carrots.length < rules.MAX_SOWN_CARROTS) sowPair(state, rules.SPROUT_TICKS);
  const period = goldenPeriod(state.ticks);
  const goldenDue = state.tick % period === Math.trunc(period / 2) && !state.carrots.some((carrot) => carrot.golden);
  return goldenDue && sowGolden(state, rules.GOLDEN_LIFE_TICKS) ? [{ type: 'golden' }] : [];
}

/** Gives each rabbit the ripe carrot it stands on. */
export function collectCarrots(state: GameState): GameEvent[] {
  const events: GameEvent[] = [];
  for (const slot of SLOTS) {
    const rabbit = state.rabbits[slot];
    const carrot = state.carrots.find((each) => each.cell === rabbit.cell && each.ripeAt <= state.tick);
    if (carrot === undefined) continue;
    const points = carrot.golden ? rules.GOLDEN_POINTS : 1;
    state.carrots = state.carrots.filter((each) => each !== carrot);
    rabbit.score += points;
    rabbit.lastCollectAt = state.tick;
    events.push({ type: 'collect', slot, points });
  }
  return events;
}

/** Scatters dropped carrots over the free cells nearest to a cell; what finds no room is lost. */
export function scatterCarrots(state: GameState, from: number, count: number): void {
  const distances = distancesFrom(state.garden, from);
  const free = distances
    .map((distance, cell) => ({ distance, cell, order: nextInt(state.rng, rules.GARDEN_WIDTH) }))
    .filter(({ distance, cell }) => distance > 0 && distance < FAR && !isOccupied(state, cell))
    .filter(({ cell }) => state.rabbits.every((rabbit) => rabbit.cell !== cell));
  free.sort((a, b) => a.distance - b.distance || a.order - b.order || a.cell - b.cell);
  for (const { cell } of free.slice(0, count)) {
    state.carrots.push({ cell, golden: false, ripeAt: state.tick + rules.DROPPED_SPROUT_TICKS, goneAt: -1 });
  }
}
