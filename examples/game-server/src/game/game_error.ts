/** What can be wrong with the options of a game or with a stored log. */
export type GameErrorCode = 'GAME_BAD_OPTIONS' | 'GAME_BAD_LOG';

/** Thrown for options and logs no game can be made of; `code` is stable, `message` says which value is wrong. */
export class GameError extends Error {
  readonly code: GameErrorCode;

  constructor(code: GameErrorCode, message: string) {
    super(message);
    this.name = 'GameError';
    this.code = code;
  }
}
