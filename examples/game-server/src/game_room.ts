import type { Assignment, ReportResultDto } from '@warren/game-server-sdk';
import { type InputLog, Match, type ServerMessage, SLOTS, type Slot, TICK_MS } from './game/index.ts';

/** One player's connection, as the room sees it. */
export interface PlayerSocket {
  send(message: ServerMessage): void;
  close(reason: string): void;
}

export interface GameRoomDeps {
  readonly assignment: Assignment;
  readonly ticks: number;
  /** How long the room waits for all players, milliseconds. */
  readonly joinTimeoutMs: number;
  readonly onResult: (result: ReportResultDto, log: InputLog) => void;
  readonly onAbsent: () => void;
}

const PLAYERS = 2;
/** After a stall the clock catches up by at most this many ticks at once; the rest is skipped time, not skipped ticks. */
const MAX_CATCH_UP_TICKS = 5;

/** One match and its players: waits for both, keeps the clock, tells everybody what happens. */
export class GameRoom {
  readonly gameId: string;
  readonly #deps: GameRoomDeps;
  readonly #match: Match;
  readonly #players: readonly [string, string];
  readonly #sockets: [PlayerSocket | undefined, PlayerSocket | undefined] = [undefined, undefined];
  readonly #joined: [boolean, boolean] = [false, false];
  readonly #joinTimer: NodeJS.Timeout;
  #clock: NodeJS.Timeout | undefined;
  #nextTickAt = 0;
  #closed = false;

  /** @throws Error when the assignment is not for two players */
  constructor(deps: GameRoomDeps) {
    const { game_id, match } = deps.assignment;
    this.gameId = game_id;
    this.#deps = deps;
    this.#players = twoPlayers(match.players);
    this.#match = new Match({ seed: match.seed, players: this.#players, ticks: deps.ticks });
    this.#joinTimer = setTimeout(() => this.#absent(), deps.joinTimeoutMs);
  }

  /**
   * Seats a player whose ticket was accepted; a second connection of the same player replaces the first. False where the
   * seat is another player's, or the match is over.
   */
  join(slot: Slot, playerId: string, socket: PlayerSocket): boolean {
    if (this.#closed || this.#players[slot] !== playerId) return false;
    this.#sockets[slot]?.close('replaced');
    this.#sockets[slot] = socket;
    this.#joined[slot] = true;
    socket.send(this.#match.welcome(slot));
    if (this.#joined[0] && this.#joined[1] && this.#clock === undefined) this.#start();
    return true;
  }

  leave(slot: Slot, socket: PlayerSocket): void {
    if (this.#sockets[slot] === socket) this.#sockets[slot] = undefined;
  }

  /** Judges one message of a seated player. */
  input(slot: Slot, raw: unknown): void {
    const answer = this.#match.offer(slot, raw);
    if (answer.ok) return;
    const { code, nextTick, tick } = answer;
    this.#sockets[slot]?.send({ type: 'refused', code, next_tick: nextTick, ...(tick === undefined ? {} : { tick }) });
    if (this.#match.isAbusive(slot)) this.#sockets[slot]?.close('too many illegal inputs');
  }

  /** Ends the match at once, without a result. */
  close(reason: string): void {
    if (this.#closed) return;
    this.#closed = true;
    clearTimeout(this.#joinTimer);
    clearTimeout(this.#clock);
    for (const slot of SLOTS) this.#sockets[slot]?.close(reason);
  }

  #start(): void {
    clearTimeout(this.#joinTimer);
    this.#nextTickAt = performance.now() + TICK_MS;
    this.#broadcast(this.#match.snapshot());
    this.#schedule();
  }

  #schedule(): void {
    this.#clock = setTimeout(() => this.#tick(), Math.max(0, this.#nextTickAt - performance.now()));
  }

  #tick(): void {
    if (this.#closed) return;
    const late = performance.now() - this.#nextTickAt;
    if (late > MAX_CATCH_UP_TICKS * TICK_MS) this.#nextTickAt += late;
    this.#nextTickAt += TICK_MS;
    this.#match.advance();
    this.#broadcast(this.#match.snapshot());
    if (this.#match.over) this.#finish();
    else this.#schedule();
  }

  #finish(): void {
    const over = this.#match.overMessage();
    const log = this.#match.log();
    if (over === undefined || log === undefined) return;
    this.#broadcast(over);
    this.close('over');
    const [first, second] = this.#players;
    const [firstInputs, secondInputs] = this.#match.inputCounts;
    this.#deps.onResult(
      {
        game_id: this.gameId,
        winner: this.#players[over.winner],
        scores: [
          { player_id: first, score: over.scores[0] },
          { player_id: second, score: over.scores[1] },
        ],
        state_hash: over.hash,
        inputs: firstInputs + secondInputs,
      },
      log,
    );
  }

  #absent(): void {
    if (this.#closed) return;
    this.close('a player did not come');
    this.#deps.onAbsent();
  }

  #broadcast(message: ServerMessage): void {
    for (const slot of SLOTS) this.#sockets[slot]?.send(message);
  }
}

function twoPlayers(players: Assignment['match']['players']): readonly [string, string] {
  const [first, second, ...more] = [...players].sort((a, b) => a.slot - b.slot);
  if (first === undefined || second === undefined || more.length > 0) {
    throw new Error(`Carrot Rush is for ${PLAYERS} players, this match has ${players.length}`);
  }
  return [first.player_id, second.player_id];
}
