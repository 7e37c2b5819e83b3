import { commandCenterMigrations } from '@warren/command-center';
import { type Migration, type MigrationSet, sql } from '@warren/postgres';

const accounts: Migration = {
  up: async (db) => {
    await sql`
      CREATE TABLE accounts (
        id uuid PRIMARY KEY,
        login text NOT NULL,
        login_canonical text COLLATE "C" NOT NULL,
        display_name text NOT NULL,
        roles text[] NOT NULL CHECK (cardinality(roles) <= 16),
        gen integer NOT NULL DEFAULT 0 CHECK (gen >= 0),
        created_at timestamptz NOT NULL DEFAULT now(),
        banned_at timestamptz,
        CONSTRAINT accounts_login_canonical_unique UNIQUE (login_canonical)
      )`.execute(db);
    await sql`
      CREATE TABLE credentials (
        account_id uuid PRIMARY KEY REFERENCES accounts ON DELETE CASCADE,
        password_hash text NOT NULL CHECK (password_hash LIKE '$argon2id$%'),
        password_version integer NOT NULL DEFAULT 0,
        updated_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db);
  },
};

const sessions: Migration = {
  up: async (db) => {
    await sql`
      CREATE TABLE sessions (
        id uuid PRIMARY KEY,
        account_id uuid NOT NULL REFERENCES accounts ON DELETE CASCADE,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_used_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        revoked_at timestamptz,
        revoke_reason text CHECK (revoke_reason IN ('logout', 'reuse')),
        CHECK ((revoked_at IS NULL) = (revoke_reason IS NULL))
      )`.execute(db);
    await sql`CREATE INDEX sessions_account_id ON sessions (account_id)`.execute(db);
    await sql`CREATE INDEX sessions_expires_at ON sessions (expires_at)`.execute(db);
    // (session_id, generation) makes a second successor of one token impossible, whatever the code does
    await sql`
      CREATE TABLE refresh_tokens (
        hash bytea PRIMARY KEY CHECK (octet_length(hash) = 32),
        session_id uuid NOT NULL REFERENCES sessions ON DELETE CASCADE,
        generation integer NOT NULL CHECK (generation >= 0),
        parent bytea,
        created_at timestamptz NOT NULL DEFAULT now(),
        expires_at timestamptz NOT NULL,
        rotated_at timestamptz,
        successor bytea,
        successor_sealed bytea,
        UNIQUE (session_id, generation),
        CHECK ((rotated_at IS NULL) = (successor IS NULL))
      )`.execute(db);
    await sql`CREATE INDEX refresh_tokens_expires_at ON refresh_tokens (expires_at)`.execute(db);
  },
};

const signingKeys: Migration = {
  up: async (db) => {
    await sql`
      CREATE TABLE signing_keys (
        kid text PRIMARY KEY,
        state text NOT NULL CHECK (state IN ('next', 'active', 'retired')),
        public_x text NOT NULL,
        public_y text NOT NULL,
        private_sealed bytea NOT NULL,
        created_at timestamptz NOT NULL DEFAULT now(),
        retired_at timestamptz,
        CHECK ((state = 'retired') = (retired_at IS NOT NULL))
      )`.execute(db);
    await sql`CREATE UNIQUE INDEX signing_keys_one_active ON signing_keys (state) WHERE state = 'active'`.execute(db);
  },
};

const serverKeys: Migration = {
  up: async (db) => {
    await sql`
      CREATE TABLE server_keys (
        id uuid PRIMARY KEY,
        name text NOT NULL,
        hash bytea NOT NULL UNIQUE CHECK (octet_length(hash) = 32),
        created_at timestamptz NOT NULL DEFAULT now(),
        revoked_at timestamptz
      )`.execute(db);
    await sql`
      CREATE TABLE server_instances (
        instance_id text PRIMARY KEY,
        server_key_id uuid NOT NULL REFERENCES server_keys,
        created_at timestamptz NOT NULL DEFAULT now(),
        last_used_at timestamptz NOT NULL DEFAULT now()
      )`.execute(db);
    await sql`CREATE INDEX server_instances_last_used_at ON server_instances (last_used_at)`.execute(db);
  },
};

const accountVersion: Migration = {
  up: async (db) => {
    await sql`ALTER TABLE accounts ADD COLUMN version integer NOT NULL DEFAULT 0 CHECK (version >= 0)`.execute(db);
  },
};

/** Everything in schema `auth`. */
export const authMigrations: MigrationSet = {
  schema: 'auth',
  migrations: {
    ...commandCenterMigrations,
    '0001_accounts': accounts,
    '0002_sessions': sessions,
    '0003_signing_keys': signingKeys,
    '0004_server_keys': serverKeys,
    '0005_account_version': accountVersion,
  },
};
