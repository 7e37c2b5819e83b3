/**
 * The numbers of Carrot Rush. All times are ticks of TICK_MS, all places are cells of the garden.
 * A change here changes what an old input log replays to, so it must come with a new LOG_VERSION (input_log.ts).
 */
export const TICK_MS = 50;

/** Odd, so that a middle column exists: it is equally far from both homes. */
export const GARDEN_WIDTH = 21;
export const GARDEN_HEIGHT = 11;

/** The shortest match still takes more than 100 inputs of each player. */
export const MIN_TICKS = 120;
export const MAX_TICKS = 900;
export const OVERTIME_TICKS = 200;

/** A walking rabbit enters a new cell every third tick, a dashing one on every tick, in a straight line. */
export const STEP_TICKS = 3;
export const DASH_TICKS = 5;
export const DASH_COOLDOWN_TICKS = 50;

export const BUMP_DROP = 2;
export const BUMP_STUN_TICKS = 10;
/** After a bump or a bite nothing more can be taken for this long: without it a rabbit could be held for ever. */
export const SAFE_TICKS = 36;

/** Slower than a rabbit: the fox only catches who stands, turns back or runs into a corner. */
export const FOX_STEP_TICKS = 4;
export const FOX_NAP_TICKS = 60;
export const FOX_BITE = 3;
export const FOX_STUN_TICKS = 20;

export const FIRST_CARROT_PAIRS = 4;
export const OVERTIME_CARROT_PAIRS = 3;
export const SOW_EVERY_TICKS = 24;
export const SPROUT_TICKS = 20;
export const DROPPED_SPROUT_TICKS = 8;
/** No more is sown above this; dropped carrots may exceed it, one per cell at most. */
export const MAX_SOWN_CARROTS = 12;
/** Nothing sprouts this near (steps without hedges) to a rabbit: waiting must not pay. */
export const SOW_DISTANCE = 2;
export const GOLDEN_POINTS = 3;
export const GOLDEN_LIFE_TICKS = 120;
export const GOLDEN_MIN_PERIOD_TICKS = 40;
export const GOLDEN_MAX_PERIOD_TICKS = 160;

/** An input may name a tick at most this far after the next one to be simulated (one second). */
export const MAX_INPUT_LEAD_TICKS = 20;
