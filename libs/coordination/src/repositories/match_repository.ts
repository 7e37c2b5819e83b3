import { type MatchFailure } from '@warren/contracts';
import { newId } from '@warren/kernel';
import { sql, type Tx, tables } from '@warren/postgres';
import type { LiveState, Match, MatchRules, MatchServer, Score } from '../match.ts';
import { MATCH_COLUMNS, toMatch } from './match_columns.ts';

export interface NewMatch {
  readonly gameId: string;
  readonly mode: string;
  readonly seed: number;
  readonly rules: MatchRules;
  readonly trace: string;
  /** How long it may look for a server. */
  readonly limitMs: number;
  readonly players: readonly { readonly playerId: string; readonly ticketId: string }[];
}

/** What a step found when it claimed the match: a commit that no longer finds it is stale. */
export type StepGuard = Pick<Match, 'gameId' | 'stepKey'>;

export interface MatchResult {
  readonly winner: string;
  readonly scores: readonly Score[];
  readonly stateHash: string;
  readonly inputs: number;
}

const inMs = (ms: number) => sql`clock_timestamp() + ${ms} * interval '1 millisecond'`;

/** SQL of `matches` and `match_players`. A match that is over is never changed: every statement says from which state it leads. */
export class MatchRepository {
  async create(tx: Tx, match: NewMatch): Promise<void> {
    const db = tables(tx);
    await sql`
      INSERT INTO matches (game_id, mode, step_key, next_step_at, deadline_at, seed, rules, trace)
      VALUES (${match.gameId}, ${match.mode}, ${newId()}, clock_timestamp(), ${inMs(match.limitMs)}, ${match.seed},
        ${JSON.stringify(match.rules)}::jsonb, ${match.trace})`.execute(db);
    const rows = match.players.map(
      (player, slot) =>
        sql`(${match.gameId}::uuid, ${player.playerId}::uuid, ${slot}::integer, ${player.ticketId}::uuid)`,
    );
    await sql`INSERT INTO match_players (game_id, player_id, slot, ticket_id) VALUES ${sql.join(rows)}`.execute(db);
  }

  /**
   * Takes up to `limit` due matches for `claimMs`: within that time no other replica takes them, after it they come due
   * again, whatever became of this process. One that cannot be read is told of and holds up no other.
   */
  async claimDue(
    tx: Tx,
    { limit, claimMs }: { readonly limit: number; readonly claimMs: number },
    onUnreadable: (gameId: string, cause: unknown) => void,
  ): Promise<readonly Match[]> {
    const claimed = await sql<{ game_id: string }>`
      WITH due AS MATERIALIZED (
        SELECT game_id FROM matches WHERE next_step_at <= clock_timestamp()
        ORDER BY next_step_at LIMIT ${limit} FOR UPDATE SKIP LOCKED
      )
      UPDATE matches SET next_step_at = ${inMs(claimMs)}, step_attempts = step_attempts + 1
      FROM due WHERE matches.game_id = due.game_id
      RETURNING ${MATCH_COLUMNS}`.execute(tables(tx));
    const matches: Match[] = [];
    for (const row of claimed.rows) {
      try {
        matches.push(toMatch(row));
      } catch (cause) {
        onUnreadable(row.game_id, cause);
      }
    }
    return matches;
  }

  /** Locks a match; with a guard, only when it still is in the step that was claimed. */
  async lock(tx: Tx, gameId: string, guard?: StepGuard): Promise<Match | undefined> {
    const same = guard === undefined ? sql`true` : sql`step_key = ${guard.stepKey}`;
    // the players are read by a statement that begins after the lock was got, so that joins of others are seen
    const locked = await sql`SELECT 1 FROM matches WHERE game_id = ${gameId} AND ${same} FOR UPDATE`.execute(
      tables(tx),
    );
    return locked.rows.length === 0 ? undefined : this.#find(tx, sql`game_id = ${gameId}`);
  }

  /** The match, when the player is one of its players. */
  findOfPlayer(tx: Tx, gameId: string, playerId: string): Promise<Match | undefined> {
    const own = sql`EXISTS (SELECT 1 FROM match_players own WHERE own.game_id = matches.game_id AND own.player_id = ${playerId})`;
    return this.#find(tx, sql`game_id = ${gameId} AND ${own}`);
  }

  /** Tries the present step again after `waitMs`, at the latest at its time limit. */
  async retryStep(tx: Tx, guard: StepGuard, waitMs: number): Promise<void> {
    await sql`
      UPDATE matches SET next_step_at = LEAST(${inMs(waitMs)}, deadline_at)
      WHERE game_id = ${guard.gameId} AND step_key = ${guard.stepKey} AND next_step_at IS NOT NULL`.execute(tables(tx));
  }

  /** Looks at the match again when the present state's time is over. */
  async waitForDeadline(tx: Tx, guard: StepGuard): Promise<void> {
    await sql`
      UPDATE matches SET next_step_at = deadline_at
      WHERE game_id = ${guard.gameId} AND step_key = ${guard.stepKey} AND next_step_at IS NOT NULL`.execute(tables(tx));
  }

  /** @returns false when the match has left `allocating` meanwhile */
  async toInviting(tx: Tx, guard: StepGuard, server: MatchServer, limitMs: number): Promise<boolean> {
    const changed = await sql`
      UPDATE matches SET state = 'inviting', step_key = ${newId()}, step_attempts = 0, next_step_at = clock_timestamp(),
        deadline_at = ${inMs(limitMs)}, instance_id = ${server.instanceId}, address = ${server.address}, lease_id = ${server.leaseId}
      WHERE game_id = ${guard.gameId} AND step_key = ${guard.stepKey} AND state = 'allocating'`.execute(tables(tx));
    return changed.numAffectedRows === 1n;
  }

  /** Enters a state in which the match waits for its game server. @returns false when it has left `from` meanwhile */
  async toWaiting(
    tx: Tx,
    guard: StepGuard,
    step: { from: LiveState; to: 'joining' | 'running'; limitMs: number },
  ): Promise<boolean> {
    const limit = inMs(step.limitMs);
    const changed = await sql`
      UPDATE matches SET state = ${step.to}, step_key = ${newId()}, step_attempts = 0, next_step_at = ${limit}, deadline_at = ${limit}
      WHERE game_id = ${guard.gameId} AND step_key = ${guard.stepKey} AND state = ${step.from}`.execute(tables(tx));
    return changed.numAffectedRows === 1n;
  }

  /** @returns false when the player is none of the match's */
  async markJoined(tx: Tx, gameId: string, playerId: string): Promise<boolean> {
    const changed = await sql`
      UPDATE match_players SET joined_at = COALESCE(joined_at, clock_timestamp())
      WHERE game_id = ${gameId} AND player_id = ${playerId}`.execute(tables(tx));
    return changed.numAffectedRows === 1n;
  }

  /** @returns false when the match does not run */
  async end(tx: Tx, gameId: string, result: MatchResult): Promise<boolean> {
    const changed = await sql`
      UPDATE matches SET state = 'ended', step_key = ${newId()}, next_step_at = NULL, deadline_at = NULL,
        ended_at = clock_timestamp(), winner = ${result.winner}, scores = ${JSON.stringify(result.scores)}::jsonb,
        state_hash = ${result.stateHash}, inputs = ${result.inputs}
      WHERE game_id = ${gameId} AND state = 'running'`.execute(tables(tx));
    return changed.numAffectedRows === 1n;
  }

  /** @returns false when the match is over already */
  async fail(tx: Tx, gameId: string, failure: MatchFailure): Promise<boolean> {
    const changed = await sql`
      UPDATE matches SET state = 'failed', step_key = ${newId()}, next_step_at = NULL, deadline_at = NULL,
        ended_at = clock_timestamp(), failure = ${failure}
      WHERE game_id = ${gameId} AND state NOT IN ('ended', 'failed')`.execute(tables(tx));
    return changed.numAffectedRows === 1n;
  }

  async #find(tx: Tx, condition: ReturnType<typeof sql>): Promise<Match | undefined> {
    const found = await sql`SELECT ${MATCH_COLUMNS} FROM matches WHERE ${condition}`.execute(tables(tx));
    return found.rows.length === 0 ? undefined : toMatch(found.rows[0]);
  }
}
