export { type BotOptions, chooseMove, type GameView } from './bot_policy.ts';
export { createGame } from './create_game.ts';
export { GameError, type GameErrorCode } from './game_error.ts';
export { GameEvent, otherSlot, Slot, SLOTS } from './game_event.ts';
export {
  type GameOptions,
  type GameResult,
  type GameState,
  type Phase,
  result,
  type WinReason,
} from './game_state.ts';
export { type Move, MOVES } from './garden.ts';
export { type Input, InputFrame } from './input_frame.ts';
export { type GateAnswer, InputGate, MAX_OFFENCES, REFUSAL_CODES, type RefusalCode } from './input_gate.ts';
export { closeLog, InputLog, type InputLogEntry, LOG_VERSION, logEntry, type Replay, replay } from './input_log.ts';
export { Match } from './match.ts';
export * from './messages.ts';
export { createRng, nextInt, type Rng } from './rng.ts';
export { DEFAULT_TICKS, GARDEN_HEIGHT, GARDEN_WIDTH, MAX_TICKS, MIN_TICKS, OVERTIME_TICKS, TICK_MS } from './rules.ts';
export { GardenMap, gardenMap, gardenOf, type RabbitSight, SnapshotFrame, snapshot } from './snapshot.ts';
export { stateHash } from './state_hash.ts';
export { step } from './step.ts';
