import type { TicketReply } from '@warren/contracts';
import { newId } from '@warren/kernel';
import { sql, type Tx, tables } from '@warren/postgres';

export interface NewTicket {
  readonly playerId: string;
  readonly mode: string;
  readonly clientTag: string;
  readonly trace: string;
}

/** A ticket that waits for a match, and is locked. */
export interface WaitingTicket {
  readonly id: string;
  readonly playerId: string;
  readonly trace: string;
}

interface TicketRow extends Omit<TicketReply, 'created_at'> {
  readonly created_at: Date;
}

const COLUMNS = sql`id AS ticket_id, mode, client_tag, state, game_id, created_at`;

/** SQL of `tickets`. */
export class TicketRepository {
  /** @returns undefined when the player has a live ticket already */
  async create(tx: Tx, ticket: NewTicket): Promise<TicketReply | undefined> {
    const inserted = await sql<TicketRow>`
      INSERT INTO tickets (id, player_id, mode, client_tag, trace)
      VALUES (${newId()}, ${ticket.playerId}, ${ticket.mode}, ${ticket.clientTag}, ${ticket.trace})
      ON CONFLICT (player_id) WHERE state IN ('active', 'matched') DO NOTHING
      RETURNING ${COLUMNS}`.execute(tables(tx));
    return toReply(inserted.rows[0]);
  }

  async find(tx: Tx, ticketId: string, playerId: string): Promise<TicketReply | undefined> {
    const found =
      await sql<TicketRow>`SELECT ${COLUMNS} FROM tickets WHERE id = ${ticketId} AND player_id = ${playerId}`.execute(
        tables(tx),
      );
    return toReply(found.rows[0]);
  }

  /** Locks the ticket: the matcher passes over it while it is being cancelled. */
  async lock(tx: Tx, ticketId: string, playerId: string): Promise<TicketReply | undefined> {
    const found = await sql<TicketRow>`
      SELECT ${COLUMNS} FROM tickets WHERE id = ${ticketId} AND player_id = ${playerId} FOR UPDATE`.execute(tables(tx));
    return toReply(found.rows[0]);
  }

  async cancel(tx: Tx, ticketId: string): Promise<void> {
    await sql`UPDATE tickets SET state = 'cancelled' WHERE id = ${ticketId} AND state = 'active'`.execute(tables(tx));
  }

  /** The oldest waiting tickets of a mode, locked; those that are being cancelled are passed over. */
  async lockOldest(tx: Tx, mode: string, limit: number): Promise<readonly WaitingTicket[]> {
    const found = await sql<WaitingTicket>`
      SELECT id, player_id AS "playerId", trace FROM tickets WHERE mode = ${mode} AND state = 'active'
      ORDER BY created_at, id LIMIT ${limit} FOR UPDATE SKIP LOCKED`.execute(tables(tx));
    return found.rows;
  }

  async markMatched(tx: Tx, ticketIds: readonly string[], gameId: string): Promise<void> {
    await sql`
      UPDATE tickets SET state = 'matched', game_id = ${gameId}
      WHERE id IN (${sql.join(ticketIds)}) AND state = 'active'`.execute(tables(tx));
  }

  /** The match is over: its players may queue again. */
  async close(tx: Tx, gameId: string, state: 'ended' | 'failed'): Promise<void> {
    await sql`UPDATE tickets SET state = ${state} WHERE game_id = ${gameId} AND state = 'matched'`.execute(tables(tx));
  }
}

function toReply(row: TicketRow | undefined): TicketReply | undefined {
  return row === undefined ? undefined : { ...row, created_at: row.created_at.toISOString() };
}
