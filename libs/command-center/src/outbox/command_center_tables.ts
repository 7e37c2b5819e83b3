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

/** Inbox and outbox; every service lists them among its migrations, under these names. */
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
};
