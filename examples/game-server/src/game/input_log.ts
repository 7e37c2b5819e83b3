import { z } from 'zod';
import { createGame, isPlayerId } from './create_game.ts';
import { GameError } from './game_error.ts';
import type { Slot } from './game_event.ts';
import type { GameState } from './game_state.ts';
import { result } from './game_state.ts';
import { MOVES } from './garden.ts';
import type { Input } from './input_frame.ts';
import { LAST_TICK } from './input_frame.ts';
import { MAX_TICKS, MIN_TICKS } from './rules.ts';
import { stateHash } from './state_hash.ts';
import { step } from './step.ts';

/** Rises with every change of the rules: a log replays only under the rules it was played by. */
const LOG_VERSION = 1;

const LogEntry = z.tuple([
  z.union([z.literal(0), z.literal(1)]),
  z.int().min(0).max(LAST_TICK),
  z
    .int()
    .min(0)
    .max(MOVES.length - 1),
  z.union([z.literal(0), z.literal(1)]),
]);

/** Everything a match was: inputs are [slot, tick, number of the move in MOVES, dash], by tick, then slot. */
export const InputLog = z.strictObject({
  version: z.literal(LOG_VERSION),
  seed: z.int().min(0).max(0xffffffff),
  players: z.tuple([z.string().refine(isPlayerId), z.string().refine(isPlayerId)]),
  ticks: z.int().min(MIN_TICKS).max(MAX_TICKS),
  inputs: z.array(LogEntry).max(2 * LAST_TICK),
  final_hash: z.string().regex(/^[0-9a-f]{64}$/),
});
export type InputLog = z.infer<typeof InputLog>;
export type InputLogEntry = InputLog['inputs'][number];

export interface Replay {
  hash: string;
  winner: Slot;
  winnerId: string;
  scores: [number, number];
  /** Whether the replayed state has the hash the log was closed with. */
  matches: boolean;
}

/** One entry of a log. */
export function logEntry(slot: Slot, tick: number, input: Input): InputLogEntry {
  return [slot, tick, MOVES.indexOf(input.move), input.dash ? 1 : 0];
}

/** The log of a game that has been played to its end with these inputs. */
export function closeLog(state: GameState, inputs: readonly InputLogEntry[]): InputLog {
  return {
    version: LOG_VERSION,
    seed: state.seed,
    players: [state.players[0], state.players[1]],
    ticks: state.ticks,
    inputs: [...inputs],
    final_hash: stateHash(state),
  };
}

function assertOrder(inputs: readonly InputLogEntry[]): void {
  let last = -1;
  for (const [slot, tick] of inputs) {
    const place = tick * 2 + slot;
    if (place <= last) throw new GameError('GAME_BAD_LOG', `inputs are out of order at tick ${tick} of slot ${slot}`);
    last = place;
  }
}

/**
 * Plays a log again from nothing but its content. Throws GameError GAME_BAD_LOG for a log that is malformed, out of
 * order, of another version, or has inputs after the end of its game.
 */
export function replay(raw: unknown): Replay {
  const parsed = InputLog.safeParse(raw);
  if (!parsed.success) throw new GameError('GAME_BAD_LOG', `not an input log: ${z.prettifyError(parsed.error)}`);
  const log = parsed.data;
  assertOrder(log.inputs);
  const state = createGame(log);
  let next = 0;
  const takeInput = (slot: Slot): Input | undefined => {
    const entry = log.inputs[next];
    if (entry === undefined || entry[0] !== slot || entry[1] !== state.tick) return undefined;
    next += 1;
    return { move: MOVES[entry[2]] ?? 'stay', dash: entry[3] === 1 };
  };
  while (state.phase !== 'over') step(state, [takeInput(0), takeInput(1)]);
  if (next < log.inputs.length) throw new GameError('GAME_BAD_LOG', 'inputs after the end of the game');
  const outcome = result(state);
  if (outcome === undefined) throw new GameError('GAME_BAD_LOG', 'the game has no winner');
  const hash = stateHash(state);
  const { winner, winnerId, scores } = outcome;
  return { hash, winner, winnerId, scores, matches: hash === log.final_hash };
}
