import { createGame } from './create_game.ts';
import type { GameEvent, Slot } from './game_event.ts';
import { SLOTS } from './game_event.ts';
import type { GameOptions, GameResult, GameState } from './game_state.ts';
import { result } from './game_state.ts';
import type { GateAnswer } from './input_gate.ts';
import { InputGate } from './input_gate.ts';
import type { InputLog, InputLogEntry } from './input_log.ts';
import { closeLog, logEntry } from './input_log.ts';
import type { OverMessage, WelcomeMessage } from './messages.ts';
import { MAX_INPUT_LEAD_TICKS, TICK_MS } from './rules.ts';
import type { SnapshotFrame } from './snapshot.ts';
import { gardenMap, snapshot } from './snapshot.ts';
import { stateHash } from './state_hash.ts';
import { step } from './step.ts';

/** One authoritative match without clock or sockets: whoever owns it calls `advance` every TICK_MS. */
export class Match {
  readonly #state: GameState;
  readonly #gates: readonly [InputGate, InputGate];
  readonly #inputs: InputLogEntry[] = [];
  readonly #counts: [number, number] = [0, 0];
  #events: GameEvent[] = [];

  /** Throws GameError GAME_BAD_OPTIONS. */
  constructor(options: GameOptions) {
    this.#state = createGame(options);
    this.#gates = [new InputGate({ slot: 0, nextTick: 0 }), new InputGate({ slot: 1, nextTick: 0 })];
  }

  get over(): boolean {
    return this.#state.phase === 'over';
  }

  /** How many inputs of each player were simulated. */
  get inputCounts(): readonly [number, number] {
    return [this.#counts[0], this.#counts[1]];
  }

  get result(): GameResult | undefined {
    return result(this.#state);
  }

  /** The slot of a player id, undefined for a stranger. */
  slotOf(playerId: string): Slot | undefined {
    return SLOTS.find((slot) => this.#state.players[slot] === playerId);
  }

  /** Judges an untrusted input of the player in `sender`: an input message or a bare input frame. */
  offer(sender: Slot, raw: unknown): GateAnswer {
    return this.#gates[sender].offer(sender, withoutType(raw));
  }

  /** Whether this player sent so many illegal or foreign inputs that it may be disconnected. */
  isAbusive(slot: Slot): boolean {
    return this.#gates[slot].abusive;
  }

  /** Simulates one tick with what has come in time. A finished match stays as it is. */
  advance(): GameEvent[] {
    if (this.over) return [];
    const { tick } = this.#state;
    const inputs = [this.#gates[0].take(), this.#gates[1].take()] as const;
    for (const slot of SLOTS) {
      const input = inputs[slot];
      if (input === undefined) continue;
      this.#inputs.push(logEntry(slot, tick, input));
      this.#counts[slot] += 1;
    }
    this.#events = step(this.#state, inputs);
    if (this.over) for (const gate of this.#gates) gate.close();
    return this.#events;
  }

  welcome(slot: Slot): WelcomeMessage {
    const { ticks, garden } = this.#state;
    const map = gardenMap(garden);
    return { type: 'welcome', slot, tick_ms: TICK_MS, ticks, max_lead_ticks: MAX_INPUT_LEAD_TICKS, map };
  }

  /** The present moment with the events of the last tick. */
  snapshot(): SnapshotFrame {
    return snapshot(this.#state, this.#events);
  }

  /** The last message to both players; undefined while the match runs. */
  overMessage(): OverMessage | undefined {
    const outcome = this.result;
    if (outcome === undefined) return undefined;
    const { winner, scores, reason } = outcome;
    return { type: 'over', winner, scores, reason, hash: stateHash(this.#state) };
  }

  /** What replays this match; undefined while it runs. */
  log(): InputLog | undefined {
    return this.over ? closeLog(this.#state, this.#inputs) : undefined;
  }
}

function isInputMessage(raw: unknown): raw is { type: 'input' } {
  return typeof raw === 'object' && raw !== null && 'type' in raw && raw.type === 'input';
}

/** An input frame is strict: the message type that carried it must not make it illegal. */
function withoutType(raw: unknown): unknown {
  if (!isInputMessage(raw)) return raw;
  const { type: _type, ...frame } = raw;
  return frame;
}
