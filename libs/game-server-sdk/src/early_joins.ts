import type { GameBook, GameState } from './game_book.ts';

export interface EarlyJoinsDeps {
  readonly games: Pick<GameBook, 'get'>;
  /** Asks the platform for the assignments now. */
  readonly wake: () => void;
}

/** Longer than an assignment that was not pushed waits for the next heartbeat. */
const PATIENCE_MS = 4_000;
const POLL_MS = 25;
const MAX_WAITING = 1_000;
/** What may still become a running game; undefined is one whose assignment has not come. */
const TO_COME: ReadonlySet<GameState | undefined> = new Set([undefined, 'preparing']);

/**
 * Lets players wait who come before their game: invitation and assignment travel on their own, and a fast player with a
 * valid ticket may overtake the assignment. Without it the player would be turned away and the match would fail.
 */
export class EarlyJoins {
  readonly #deps: EarlyJoinsDeps;
  #waiting = 0;

  constructor(deps: EarlyJoinsDeps) {
    this.#deps = deps;
  }

  /** Resolves to whether the game takes players, within four seconds. Call it only for tickets that were verified. */
  async opens(gameId: string): Promise<boolean> {
    const { games, wake } = this.#deps;
    const stateNow = (): GameState | undefined => games.get(gameId)?.state;
    if (!TO_COME.has(stateNow()) || this.#waiting >= MAX_WAITING) return stateNow() === 'running';
    if (stateNow() === undefined) wake();
    const until = performance.now() + PATIENCE_MS;
    this.#waiting++;
    try {
      while (TO_COME.has(stateNow()) && performance.now() < until) {
        await new Promise((resolve) => setTimeout(resolve, POLL_MS));
      }
    } finally {
      this.#waiting--;
    }
    return stateNow() === 'running';
  }
}
