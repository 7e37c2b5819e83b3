import type { Slot } from './game_event.ts';
import type { Garden, Move } from './garden.ts';
import { HOMES } from './garden.ts';
import type { Rng } from './rng.ts';

type Phase = 'play' | 'overtime' | 'over';

/** Why the winner won: more points, first lead in overtime, the later last carrot, or the seed's coin. */
export type WinReason = 'score' | 'overtime' | 'last_carrot' | 'coin';

export interface Rabbit {
  cell: number;
  heading: Move;
  score: number;
  /** Ticks until the next walking step. */
  wait: number;
  dashLeft: number;
  dashMove: Move;
  /** Ticks from which (inclusive) the rabbit may dash, may move, and may be robbed again. */
  dashReadyAt: number;
  stunnedUntil: number;
  safeUntil: number;
  /** Tick of the last collected carrot, -1 before the first. */
  lastCollectAt: number;
}

interface Fox {
  cell: number;
  target: Slot | -1;
  wait: number;
  napUntil: number;
}

interface Carrot {
  cell: number;
  golden: boolean;
  ripeAt: number;
  /** Tick at which it withers, -1 for never. */
  goneAt: number;
}

export interface GameOptions {
  /** Unsigned 32-bit integer. The server draws it at random and tells nobody before the end. */
  seed: number;
  /** Account ids by slot; distinct, 1 to 128 characters. */
  players: readonly [string, string];
  /** Length without overtime, MIN_TICKS … MAX_TICKS. */
  ticks: number;
}

/** The whole game. Only `step` changes it; `tick` is the next tick to be simulated. */
export interface GameState {
  readonly seed: number;
  readonly players: readonly [string, string];
  readonly ticks: number;
  readonly garden: Garden;
  readonly coin: Slot;
  readonly rng: Rng;
  readonly rabbits: readonly [Rabbit, Rabbit];
  readonly fox: Fox;
  carrots: Carrot[];
  tick: number;
  phase: Phase;
  winner: Slot | -1;
  reason: WinReason | 'none';
}

export interface GameResult {
  winner: Slot;
  winnerId: string;
  scores: [number, number];
  reason: WinReason;
  /** How many ticks were simulated. */
  ticks: number;
}

/** A rabbit at home that has done nothing yet, or keeps only what it has won. */
export function rabbitAtHome(slot: Slot): Rabbit {
  return {
    cell: HOMES[slot],
    heading: 'stay',
    score: 0,
    wait: 0,
    dashLeft: 0,
    dashMove: 'stay',
    dashReadyAt: 0,
    stunnedUntil: 0,
    safeUntil: 0,
    lastCollectAt: -1,
  };
}

/** Who won and how; undefined while the game runs. */
export function result(state: GameState): GameResult | undefined {
  if (state.winner === -1 || state.reason === 'none') return undefined;
  return {
    winner: state.winner,
    winnerId: state.players[state.winner],
    scores: [state.rabbits[0].score, state.rabbits[1].score],
    reason: state.reason,
    ticks: state.tick,
  };
}
