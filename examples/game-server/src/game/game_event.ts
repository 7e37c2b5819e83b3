import { z } from 'zod';

/** A player's place in the match. */
export const Slot = z.union([z.literal(0), z.literal(1)]);
export type Slot = z.infer<typeof Slot>;

export const SLOTS: readonly [0, 1] = [0, 1];

export function otherSlot(slot: Slot): Slot {
  return slot === 0 ? 1 : 0;
}

const count = z.int().min(0);

/** Something that happened in one tick, for sounds, effects and statistics; `slot` is whom it happened to. */
export const GameEvent = z.discriminatedUnion('type', [
  z.object({ type: z.literal('collect'), slot: Slot, points: count }),
  z.object({ type: z.literal('dash'), slot: Slot }),
  z.object({ type: z.literal('bump'), slot: Slot, lost: count }),
  z.object({ type: z.literal('bite'), slot: Slot, lost: count }),
  z.object({ type: z.literal('golden') }),
  z.object({ type: z.literal('overtime') }),
  z.object({ type: z.literal('over'), winner: Slot }),
]);
export type GameEvent = z.infer<typeof GameEvent>;
