import { commandCenterMigrations } from '@warren/command-center';
import { type MigrationSet, sql } from '@warren/postgres';

/** Schema `coordination`: modes, tickets, matches and their players, and the inbox and outbox that every service has. */
export const coordinationMigrations: MigrationSet = {
  schema: 'coordination',
  migrations: {
    ...commandCenterMigrations,
    '0001_modes': {
      up: async (db) => {
        await sql`
          CREATE TABLE modes (
            name text PRIMARY KEY,
            players integer NOT NULL CHECK (players BETWEEN 1 AND 64),
            join_timeout_s integer CHECK (join_timeout_s > 0),
            result_timeout_s integer CHECK (result_timeout_s > 0),
            settings jsonb NOT NULL DEFAULT '{}'
          )`.execute(db);
        await sql`INSERT INTO modes (name, players) VALUES ('duel', 2), ('trio', 3)`.execute(db);
      },
    },
    '0002_matches': {
      up: async (db) => {
        await sql`
          CREATE TABLE matches (
            game_id uuid PRIMARY KEY,
            mode text NOT NULL REFERENCES modes (name),
            state text NOT NULL DEFAULT 'allocating'
              CHECK (state IN ('allocating', 'inviting', 'joining', 'running', 'ended', 'failed')),
            step_key uuid NOT NULL,
            step_attempts integer NOT NULL DEFAULT 0,
            next_step_at timestamptz,
            deadline_at timestamptz,
            instance_id text,
            address text,
            lease_id uuid,
            seed bigint NOT NULL CHECK (seed BETWEEN 0 AND 4294967295),
            rules jsonb NOT NULL,
            trace text NOT NULL,
            winner uuid,
            scores jsonb NOT NULL DEFAULT '[]',
            inputs integer,
            state_hash text,
            failure text,
            created_at timestamptz NOT NULL DEFAULT now(),
            ended_at timestamptz,
            CONSTRAINT matches_live_comes_due CHECK ((next_step_at IS NULL) = (state IN ('ended', 'failed'))),
            CONSTRAINT matches_live_has_limit CHECK ((deadline_at IS NULL) = (state IN ('ended', 'failed'))),
            CONSTRAINT matches_end_is_dated CHECK ((ended_at IS NULL) = (state NOT IN ('ended', 'failed'))),
            CONSTRAINT matches_failure_is_named CHECK ((failure IS NULL) = (state <> 'failed')),
            CONSTRAINT matches_result_is_whole CHECK ((winner IS NULL) = (state <> 'ended'))
          ) WITH (fillfactor = 70)`.execute(db);
        await sql`CREATE INDEX matches_due ON matches (next_step_at) WHERE next_step_at IS NOT NULL`.execute(db);
      },
    },
    '0003_tickets': {
      up: async (db) => {
        await sql`
          CREATE TABLE tickets (
            id uuid PRIMARY KEY,
            player_id uuid NOT NULL,
            mode text NOT NULL REFERENCES modes (name),
            client_tag text NOT NULL,
            state text NOT NULL DEFAULT 'active' CHECK (state IN ('active', 'matched', 'cancelled', 'ended', 'failed')),
            game_id uuid REFERENCES matches (game_id),
            trace text NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT tickets_waiting_has_no_game CHECK ((game_id IS NULL) = (state IN ('active', 'cancelled')))
          )`.execute(db);
        await sql`CREATE UNIQUE INDEX tickets_live_player ON tickets (player_id) WHERE state IN ('active', 'matched')`.execute(
          db,
        );
        await sql`CREATE INDEX tickets_waiting ON tickets (mode, created_at, id) WHERE state = 'active'`.execute(db);
        await sql`CREATE INDEX tickets_game ON tickets (game_id) WHERE game_id IS NOT NULL`.execute(db);
        await sql`
          CREATE TABLE match_players (
            game_id uuid NOT NULL REFERENCES matches (game_id) ON DELETE CASCADE,
            player_id uuid NOT NULL,
            slot integer NOT NULL CHECK (slot BETWEEN 0 AND 255),
            ticket_id uuid NOT NULL UNIQUE REFERENCES tickets (id),
            joined_at timestamptz,
            PRIMARY KEY (game_id, player_id),
            UNIQUE (game_id, slot)
          )`.execute(db);
      },
    },
  },
};
