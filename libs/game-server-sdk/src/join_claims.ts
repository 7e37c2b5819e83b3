/** Who a join ticket lets in. */
export interface JoinClaims {
  /** Player id. */
  readonly sub: string;
  readonly game_id: string;
  /** The player's place in the match, from 0. */
  readonly slot: number;
  /** Id of the ticket. */
  readonly jti: string;
  /** Until when the ticket works, epoch seconds. */
  readonly exp: number;
}
