import { type Generated, type Migration, sql } from '@warren/postgres';

/** Tables that every service schema holds; made by commandCenterMigrations. */
export interface CommandCenterTables {
  inbox: InboxTable;
  outbox: OutboxTable;
}

interface InboxTable {
  message_id: string;
  command: string;
  /** HMAC of the request without its secret fields, hex. */
  fingerprint: string;
  /** `ok`: body is the reply; `refused`: body is the error. */
  outcome: 'ok' | 'refused';
  body: string;
  created_at: Generated<Date>;
  expires_at: Date;
}

interface OutboxTable {
  id: Generated<string>;
  exchange: string;
  routing_key: string;
  message_id: string;
  type: string;
  headers: string;
  body: string;
  attempts: Generated<number>;
  next_at: Generated<Date>;
  created_at: Generated<Date>;
}

/** Inbox, outbox and what keeps order; every service lists them among its migrations, under these names. */
export const commandCenterMigrations: Record<string, Migration> = {
  '0000_command_center': {
    up: async (db) => {
      await sql`
        CREATE TABLE inbox (
          message_id text PRIMARY KEY CHECK (length(message_id) <= 255),
          command text NOT NULL,
          fingerprint text NOT NULL,
          outcome text NOT NULL CHECK (outcome IN ('ok', 'refused')),
          body text NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now(),
          expires_at timestamptz NOT NULL
        )`.execute(db);
      await sql`CREATE INDEX inbox_expires_at ON inbox (expires_at)`.execute(db);
      await sql`
        CREATE TABLE outbox (
          id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          exchange text NOT NULL,
          routing_key text NOT NULL,
          message_id text NOT NULL,
          type text NOT NULL,
          headers text NOT NULL,
          body text NOT NULL,
          attempts integer NOT NULL DEFAULT 0,
          next_at timestamptz NOT NULL DEFAULT now(),
          created_at timestamptz NOT NULL DEFAULT now()
        ) WITH (autovacuum_vacuum_scale_factor = 0.01, autovacuum_vacuum_threshold = 1000)`.execute(db);
    },
  },
  '0000_ordered_work': {
    up: async (db) => {
      await sql`
        CREATE TABLE blocked_commands (
          position bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY,
          key text NOT NULL,
          message_id text NOT NULL UNIQUE,
          command text NOT NULL,
          code text NOT NULL,
          created_at timestamptz NOT NULL DEFAULT now()
        )`.execute(db);
      await sql`CREATE INDEX blocked_commands_key ON blocked_commands (key, position)`.execute(db);
      await sql`
        CREATE TABLE key_versions (
          command text NOT NULL,
          key text NOT NULL,
          version bigint NOT NULL,
          expires_at timestamptz NOT NULL,
          PRIMARY KEY (command, key)
        )`.execute(db);
      await sql`CREATE INDEX key_versions_expires_at ON key_versions (expires_at)`.execute(db);
      await sql`
        CREATE TABLE partition_members (instance text PRIMARY KEY, expires_at timestamptz NOT NULL)`.execute(db);
      await sql`
        CREATE TABLE partition_leases (
          partition integer PRIMARY KEY, holder text NOT NULL, expires_at timestamptz NOT NULL)`.execute(db);
      // a row that was never refused is due at once: the relay looks for the others alone
      await sql`CREATE INDEX outbox_refused ON outbox (next_at) WHERE attempts > 0`.execute(db);
    },
  },
};
