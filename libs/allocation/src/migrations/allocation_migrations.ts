import { commandCenterMigrations } from '@warren/command-center';
import { type MigrationSet, sql } from '@warren/postgres';

/** Schema `allocation`: the fleet, the leases, and the inbox and outbox that every service has. */
export const allocationMigrations: MigrationSet = {
  schema: 'allocation',
  migrations: {
    ...commandCenterMigrations,
    '0001_servers': {
      up: async (db) => {
        await sql`
          CREATE TABLE servers (
            instance_id text PRIMARY KEY,
            address text NOT NULL,
            region text NOT NULL,
            version text NOT NULL,
            tags text[] NOT NULL,
            declared_capacity integer NOT NULL CHECK (declared_capacity >= 1),
            capacity integer NOT NULL CHECK (capacity >= declared_capacity),
            used integer NOT NULL DEFAULT 0,
            state text NOT NULL DEFAULT 'ready' CHECK (state IN ('ready', 'draining', 'lost')),
            registered_at timestamptz NOT NULL DEFAULT now(),
            last_seen_at timestamptz NOT NULL DEFAULT now(),
            CONSTRAINT servers_used_within_capacity CHECK (used BETWEEN 0 AND capacity)
          ) WITH (fillfactor = 50)`.execute(db);
        await sql`CREATE INDEX servers_lost ON servers (instance_id) WHERE state = 'lost'`.execute(db);
      },
    },
    '0002_leases': {
      up: async (db) => {
        await sql`
          CREATE TABLE leases (
            lease_id uuid PRIMARY KEY,
            game_id uuid NOT NULL,
            instance_id text NOT NULL,
            epoch bigint GENERATED ALWAYS AS IDENTITY,
            state text NOT NULL CHECK (state IN ('reserved', 'confirmed', 'released', 'expired', 'lost')),
            resource_level text NOT NULL CHECK (resource_level IN ('low', 'high')),
            match jsonb NOT NULL,
            created_at timestamptz NOT NULL DEFAULT now(),
            expires_at timestamptz,
            confirmed_at timestamptz,
            missing_since timestamptz,
            ended_at timestamptz,
            end_reason text,
            CONSTRAINT leases_end_is_dated CHECK ((ended_at IS NULL) = (state IN ('reserved', 'confirmed'))),
            CONSTRAINT leases_reservation_expires CHECK ((state = 'reserved') <= (expires_at IS NOT NULL))
          )`.execute(db);
        await sql`CREATE UNIQUE INDEX leases_live_game ON leases (game_id) WHERE state IN ('reserved', 'confirmed')`.execute(
          db,
        );
        await sql`CREATE INDEX leases_live_server ON leases (instance_id) WHERE state IN ('reserved', 'confirmed')`.execute(
          db,
        );
        await sql`CREATE INDEX leases_due ON leases (expires_at) WHERE state = 'reserved'`.execute(db);
        await sql`CREATE INDEX leases_game ON leases (game_id, epoch DESC)`.execute(db);
        await sql`CREATE INDEX leases_ended ON leases (ended_at) WHERE ended_at IS NOT NULL`.execute(db);
      },
    },
  },
};
