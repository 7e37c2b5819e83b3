import { z } from 'zod';
import { isFoxAwake } from './fox.ts';
import { GameEvent, Slot } from './game_event.ts';
import type { GameState } from './game_state.ts';
import type { Garden } from './garden.ts';
import { columnOf, MOVES, rowOf } from './garden.ts';
import { GARDEN_HEIGHT, GARDEN_WIDTH, GOLDEN_POINTS, OVERTIME_TICKS } from './rules.ts';

const column = z
  .int()
  .min(0)
  .max(GARDEN_WIDTH - 1);
const row = z
  .int()
  .min(0)
  .max(GARDEN_HEIGHT - 1);
const ticks = z.int().min(0);

/** The hedges, sent once: one string per row, `#` hedge, `.` free. */
export const GardenMap = z.object({
  width: z.literal(GARDEN_WIDTH),
  height: z.literal(GARDEN_HEIGHT),
  rows: z.array(z.string().regex(/^[.#]{21}$/)).length(GARDEN_HEIGHT),
});
export type GardenMap = z.infer<typeof GardenMap>;

const RabbitView = z.object({
  x: column,
  y: row,
  heading: z.enum(MOVES),
  score: ticks,
  dashing: z.boolean(),
  /** Ticks until it may dash, may move, and may be robbed; 0 is now. */
  dash_in: ticks,
  stunned_for: ticks,
  safe_for: ticks,
});

/** [x, y, points, ticks until ripe]; a golden carrot is the one worth more than 1. */
const CarrotView = z.tuple([column, row, ticks, ticks]);

/** All that a client sees of one moment; nothing in it tells the seed. Fields are snake_case, times are ticks. */
export const SnapshotFrame = z.object({
  type: z.literal('snapshot'),
  /** The next tick to be simulated: inputs for it or later ones are still in time. */
  tick: ticks,
  phase: z.enum(['play', 'overtime', 'over']),
  ticks_left: ticks,
  rabbits: z.tuple([RabbitView, RabbitView]),
  fox: z.object({ x: column, y: row, awake: z.boolean(), target: Slot.nullable() }),
  carrots: z.array(CarrotView).max(GARDEN_WIDTH * GARDEN_HEIGHT),
  events: z.array(GameEvent).max(32),
});
export type SnapshotFrame = z.infer<typeof SnapshotFrame>;
export type RabbitSight = SnapshotFrame['rabbits'][number];

/** The hedges of a game as they go to clients. */
export function gardenMap(garden: Garden): GardenMap {
  const rows = Array.from({ length: GARDEN_HEIGHT }, (_, y) =>
    Array.from({ length: GARDEN_WIDTH }, (__, x) => (garden[y * GARDEN_WIDTH + x] === true ? '#' : '.')).join(''),
  );
  return { width: GARDEN_WIDTH, height: GARDEN_HEIGHT, rows };
}

/** The garden of a received map. */
export function gardenOf(map: GardenMap): Garden {
  return [...map.rows.join('')].map((sign) => sign === '#');
}

function rabbitView(state: GameState, slot: Slot): RabbitSight {
  const rabbit = state.rabbits[slot];
  const until = (tick: number): number => Math.max(0, tick - state.tick);
  return {
    x: columnOf(rabbit.cell),
    y: rowOf(rabbit.cell),
    heading: rabbit.heading,
    score: rabbit.score,
    dashing: rabbit.dashLeft > 0,
    dash_in: until(rabbit.dashReadyAt),
    stunned_for: until(rabbit.stunnedUntil),
    safe_for: until(rabbit.safeUntil),
  };
}

function ticksLeft({ phase, tick, ticks: length }: GameState): number {
  if (phase === 'over') return 0;
  return (phase === 'play' ? length : length + OVERTIME_TICKS) - tick;
}

/** The state as both players may see it, with the events of the tick that led to it. */
export function snapshot(state: GameState, events: readonly GameEvent[] = []): SnapshotFrame {
  const { fox } = state;
  return {
    type: 'snapshot',
    tick: state.tick,
    phase: state.phase,
    ticks_left: ticksLeft(state),
    rabbits: [rabbitView(state, 0), rabbitView(state, 1)],
    fox: {
      x: columnOf(fox.cell),
      y: rowOf(fox.cell),
      awake: isFoxAwake(state),
      target: fox.target === -1 ? null : fox.target,
    },
    carrots: state.carrots.map((carrot) => [
      columnOf(carrot.cell),
      rowOf(carrot.cell),
      carrot.golden ? GOLDEN_POINTS : 1,
      Math.max(0, carrot.ripeAt - state.tick),
    ]),
    events: [...events],
  };
}
