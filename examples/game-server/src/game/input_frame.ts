import { z } from 'zod';
import { Slot } from './game_event.ts';
import { MOVES } from './garden.ts';
import { MAX_TICKS, OVERTIME_TICKS } from './rules.ts';

/** No game simulates more ticks than this. */
export const LAST_TICK = MAX_TICKS + OVERTIME_TICKS;

/** What a player wants in one tick: `dash` starts a dash in the direction of `move` if the rabbit is rested. */
export interface Input {
  move: (typeof MOVES)[number];
  dash: boolean;
}

/** An input as a client sends it. `slot` is optional; naming the other player's is refused as foreign. */
export const InputFrame = z.strictObject({
  tick: z.int().min(0).max(LAST_TICK),
  move: z.enum(MOVES),
  dash: z.boolean().optional(),
  slot: Slot.optional(),
});
export type InputFrame = z.infer<typeof InputFrame>;
