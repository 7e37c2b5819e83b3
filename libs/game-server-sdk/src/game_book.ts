import type { Assignment } from '@warren/contracts';

/**
 * `preparing` until it is ready for its players, `running` until its end, `reporting` while the platform is being told of
 * the end, then `over`.
 */
export type GameState = 'preparing' | 'running' | 'reporting' | 'over';

/** What is kept of a game between its assignment and its end. */
export interface Game {
  readonly id: string;
  readonly leaseId: string;
  readonly traceparent: string | undefined;
  /** Aborted when nobody needs its preparation any more. */
  readonly preparation: AbortController;
  state: GameState;
  /** The user has ended it. */
  reported: boolean;
  overAtMs: number;
}

const FORGET_AFTER_MS = 600_000;
const MAX_REMEMBERED = 10_000;

/** The games of one server, and for a while those that are over, so that a late push does not start one again. */
export class GameBook {
  readonly #games = new Map<string, Game>();

  get(gameId: string): Game | undefined {
    return this.#games.get(gameId);
  }

  open({ game_id: id, lease_id: leaseId, match }: Assignment): Game {
    const { traceparent } = match;
    const preparation = new AbortController();
    const game: Game = { id, leaseId, traceparent, preparation, state: 'preparing', reported: false, overAtMs: 0 };
    this.#games.delete(id);
    this.#games.set(id, game);
    return game;
  }

  end(game: Game): void {
    game.state = 'over';
    game.overAtMs = performance.now();
    game.preparation.abort();
  }

  in(...states: readonly GameState[]): Game[] {
    return [...this.#games.values()].filter((game) => states.includes(game.state));
  }

  /** Forgets what has been over for long, and the oldest of too many. */
  prune(): void {
    const before = performance.now() - FORGET_AFTER_MS;
    let excess = this.#games.size - MAX_REMEMBERED;
    for (const [id, game] of this.#games) {
      if (game.state !== 'over') continue;
      if (game.overAtMs > before && excess <= 0) continue;
      this.#games.delete(id);
      excess--;
    }
  }
}
