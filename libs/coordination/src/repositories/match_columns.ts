import { MatchReply } from '@warren/contracts';
import { sql } from '@warren/postgres';
import * as z from 'zod';
import { type Match, MatchRules } from '../match.ts';

const Time = z.date();

/** A row of MATCH_COLUMNS. Parsed, because jsonb and text columns can hold what no type of ours promises. */
const MatchRow = z.object({
  game_id: z.string(),
  mode: z.string(),
  state: MatchReply.shape.state,
  step_key: z.string(),
  step_attempts: z.int(),
  deadline_at: Time.nullable(),
  instance_id: z.string().nullable(),
  address: z.string().nullable(),
  lease_id: z.string().nullable(),
  players: z.array(z.object({ player_id: z.string(), slot: z.int(), joined: z.boolean() })),
  seed: z.coerce.number<string>(),
  rules: MatchRules,
  trace: z.string(),
  winner: z.string().nullable(),
  scores: MatchReply.shape.scores,
  state_hash: z.string().nullable(),
  failure: MatchReply.shape.failure,
  created_at: Time,
  ended_at: Time.nullable(),
  read_at: Time,
});

/** Select list over `matches`. `read_at` is the clock of the statement, not of the transaction. */
export const MATCH_COLUMNS = sql`
  matches.game_id, matches.mode, matches.state, matches.step_key, matches.step_attempts, matches.deadline_at,
  matches.instance_id, matches.address, matches.lease_id, matches.seed, matches.rules, matches.trace, matches.winner,
  matches.scores, matches.state_hash, matches.failure, matches.created_at, matches.ended_at, clock_timestamp() AS read_at,
  (SELECT jsonb_agg(jsonb_build_object('player_id', p.player_id, 'slot', p.slot, 'joined', p.joined_at IS NOT NULL) ORDER BY p.slot)
    FROM match_players p WHERE p.game_id = matches.game_id) AS players`;

export function toMatch(raw: unknown): Match {
  const row = MatchRow.parse(raw);
  const { instance_id: instanceId, address, lease_id: leaseId } = row;
  return {
    gameId: row.game_id,
    mode: row.mode,
    state: row.state,
    stepKey: row.step_key,
    stepAttempts: row.step_attempts,
    deadlineAt: row.deadline_at,
    server: instanceId === null || address === null || leaseId === null ? undefined : { instanceId, address, leaseId },
    players: row.players,
    seed: row.seed,
    rules: row.rules,
    trace: row.trace,
    winner: row.winner,
    scores: row.scores,
    stateHash: row.state_hash,
    failure: row.failure,
    createdAt: row.created_at,
    endedAt: row.ended_at,
    readAt: row.read_at,
  };
}
