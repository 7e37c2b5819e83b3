import type { Slot } from './game_event.ts';
import { otherSlot } from './game_event.ts';
import type { Direction, Garden } from './garden.ts';
import { cellAt, distancesFrom, exits, FAR, neighbour } from './garden.ts';
import type { Input } from './input_frame.ts';
import type { Rng } from './rng.ts';
import { nextInt, pick } from './rng.ts';
import { DASH_TICKS, STEP_TICKS } from './rules.ts';
import type { GardenMap, RabbitSight, SnapshotFrame } from './snapshot.ts';
import { gardenOf } from './snapshot.ts';

/** What a client knows: the map of the welcome and the latest snapshot. */
export interface GameView {
  map: GardenMap;
  snapshot: SnapshotFrame;
}

export interface BotOptions {
  /** Percent of decisions made at random; 0 plays its best, 35 is a beatable opponent for a person. */
  hesitation?: number;
}

interface Thought {
  garden: Garden;
  me: RabbitSight;
  here: number;
  rival: RabbitSight;
  rivalCell: number;
  /** Steps of the fox to every cell, FAR while it sleeps. */
  foxSteps: number[];
  rng: Rng;
}

const STAY: Input = { move: 'stay', dash: false };
const FLEE_STEPS = 2;
/** A dash runs straight on, so it pays only where most of its way is on the path. */
const DASH_WORTH_STEPS = 4;
const WORTH_SCALE = 3000;

function think({ map, snapshot }: GameView, slot: Slot, rng: Rng): Thought {
  const garden = gardenOf(map);
  const me = snapshot.rabbits[slot];
  const rival = snapshot.rabbits[otherSlot(slot)];
  const foxSteps = snapshot.fox.awake
    ? distancesFrom(garden, cellAt(snapshot.fox.x, snapshot.fox.y))
    : garden.map(() => FAR);
  return { garden, me, here: cellAt(me.x, me.y), rival, rivalCell: cellAt(rival.x, rival.y), foxSteps, rng };
}

function wander({ garden, here, rivalCell, rng }: Thought): Input {
  const open = exits(garden, here).filter((exit) => exit.cell !== rivalCell);
  const exit = pick(rng, open);
  return exit === undefined ? STAY : { move: exit.move, dash: false };
}

function flee(thought: Thought): Input {
  const { garden, here, foxSteps, me, rivalCell } = thought;
  const open = exits(garden, here).filter((exit) => exit.cell !== rivalCell);
  const safest = Math.max(...open.map((exit) => foxSteps[exit.cell] ?? 0));
  const exit = open.find((each) => foxSteps[each.cell] === safest);
  return exit === undefined ? STAY : { move: exit.move, dash: me.dash_in === 0 };
}

/** The direction in which a dash would hit the rival, if it has something to lose and can be robbed. */
function strike({ garden, me, here, rival, rivalCell }: Thought): Direction | undefined {
  if (me.dash_in > 0 || rival.score === 0 || rival.safe_for > 0) return undefined;
  for (const exit of exits(garden, here)) {
    let cell: number | undefined = exit.cell;
    for (let steps = 1; steps < DASH_TICKS && cell !== undefined; steps += 1) {
      if (cell === rivalCell) return exit.move;
      cell = neighbour(garden, cell, exit.move);
    }
  }
  return undefined;
}

/** The carrot with the most points per tick of waiting; one that the rival reaches first counts a third. */
function bestCarrot(thought: Thought, snapshot: SnapshotFrame, avoid: ReadonlySet<number>): number | undefined {
  const mine = distancesFrom(thought.garden, thought.here, avoid);
  const theirs = distancesFrom(thought.garden, thought.rivalCell);
  let best: number | undefined;
  let bestWorth = 0;
  for (const [x, y, points, ripeIn] of snapshot.carrots) {
    const cell = cellAt(x, y);
    const steps = mine[cell] ?? FAR;
    if (steps >= FAR) continue;
    const ticks = Math.max(steps * STEP_TICKS, ripeIn) + STEP_TICKS;
    const lostRace = (theirs[cell] ?? FAR) < steps;
    const worth = Math.trunc((points * WORTH_SCALE) / (lostRace ? ticks * 3 : ticks)) + nextInt(thought.rng, 3);
    if (worth <= bestWorth) continue;
    best = cell;
    bestWorth = worth;
  }
  return best;
}

/** How many cells in a row a straight run comes nearer to the goal. */
function straightRun(garden: Garden, from: number, move: Direction, toGoal: readonly number[]): number {
  let cell = from;
  for (let run = 0; run < DASH_TICKS; run += 1) {
    const next = neighbour(garden, cell, move);
    if (next === undefined || (toGoal[next] ?? FAR) >= (toGoal[cell] ?? FAR)) return run;
    cell = next;
  }
  return DASH_TICKS;
}

function walkTo(thought: Thought, goal: number, avoid: ReadonlySet<number>): Input {
  const { garden, here, me, rng } = thought;
  if (goal === here) return STAY;
  const toGoal = distancesFrom(garden, goal, avoid);
  const open = exits(garden, here);
  const least = Math.min(...open.map((exit) => toGoal[exit.cell] ?? FAR));
  if (least >= FAR) return wander(thought);
  const nearest = open.filter((each) => toGoal[each.cell] === least);
  const exit = nearest.find((each) => each.move === me.heading) ?? pick(rng, nearest);
  if (exit === undefined) return STAY;
  toGoal[here] = least + 1;
  const run = straightRun(garden, here, exit.move, toGoal);
  return { move: exit.move, dash: me.dash_in === 0 && run >= DASH_WORTH_STEPS };
}

/** The shortest way to the best carrot around the rival and the cells the fox can reach next. */
function forage(thought: Thought, snapshot: SnapshotFrame): Input {
  const avoid = new Set([thought.rivalCell]);
  for (const [cell, steps] of thought.foxSteps.entries()) if (steps <= 1) avoid.add(cell);
  avoid.delete(thought.here);
  const goal = bestCarrot(thought, snapshot, avoid);
  return goal === undefined ? wander(thought) : walkTo(thought, goal, avoid);
}

/**
 * What a fair bot does: it sees only what a client sees. It runs from the fox, dashes into a rich rival,
 * and otherwise takes the shortest safe way to the best carrot.
 */
export function chooseMove(view: GameView, slot: Slot, rng: Rng, options: BotOptions = {}): Input {
  const thought = think(view, slot, rng);
  const { me, here, foxSteps } = thought;
  if (me.stunned_for > 0) return STAY;
  if (nextInt(rng, 100) < (options.hesitation ?? 0)) return wander(thought);
  if ((foxSteps[here] ?? FAR) <= FLEE_STEPS && me.safe_for === 0) return flee(thought);
  const move = strike(thought);
  return move === undefined ? forage(thought, view.snapshot) : { move, dash: true };
}
