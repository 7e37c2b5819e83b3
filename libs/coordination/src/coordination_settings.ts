/** Named limits of matchmaking, milliseconds. A mode may set its own join and result limits. */
export interface CoordinationSettings {
  /** How long a match looks for a game server; then MATCH_NO_SERVER. */
  readonly noServerTimeoutMs: number;
  /** How long the join tickets of a match may take to be issued; then MATCH_INVITE_FAILED. */
  readonly inviteTimeoutMs: number;
  /** How long the players have to join; then MATCH_PLAYER_ABSENT. */
  readonly joinTimeoutMs: number;
  /** How long a running match may take to its result; then MATCH_RESULT_MISSING. */
  readonly resultTimeoutMs: number;
  /** How long one call of a step may take. A replica that dies in a step holds it for twice as long. */
  readonly stepTimeoutMs: number;
  /** How often each replica looks for due matches and waiting tickets, when nothing wakes it earlier. */
  readonly pollMs: number;
}
