import { createHmac } from 'node:crypto';
import { AppError, ERROR_KINDS, type ErrorKind } from '@warren/kernel';
import { sql, type Tx, tables } from '@warren/postgres';
import * as z from 'zod';
import type { CommandCenterTables } from '../outbox/command_center_tables.ts';
import type { Binding } from '../registry/bindings.ts';

const RETENTION = '7 days';

/** What an earlier run of the same message ended in. */
export type StoredOutcome = { readonly kind: 'value'; readonly value: unknown } | { readonly kind: 'error'; readonly error: AppError };

const StoredError = z.object({
  code: z.string(),
  kind: z.enum(Object.keys(ERROR_KINDS) as [ErrorKind, ...ErrorKind[]]),
  message: z.string(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
});

/** HMAC of a request without its secret fields, so that «same key, other body» can be told without storing the body. */
export function fingerprintOf(binding: Binding, payload: unknown, key: Buffer): string {
  const visible = typeof payload === 'object' && payload !== null ? { ...payload, ...hide(binding.secretFields) } : payload;
  return createHmac('sha256', key).update(`${binding.name}\n`).update(JSON.stringify(visible)).digest('hex');
}

function hide(fields: readonly string[]): Record<string, undefined> {
  return Object.fromEntries(fields.map((field) => [field, undefined]));
}

/**
 * Claims a message id for this transaction. The lock comes first and is never waited for: a parallel duplicate is told
 * that its twin is under way.
 * @throws AppError REQUEST_IN_PROGRESS (retryable), IDEMPOTENCY_KEY_REUSED (422)
 */
export async function claimMessage(tx: Tx, messageId: string, fingerprint: string): Promise<StoredOutcome | undefined> {
  const db = tables<CommandCenterTables>(tx);
  const lock = await sql<{ got: boolean }>`SELECT pg_try_advisory_xact_lock(hashtextextended(${messageId}, 0)) AS got`.execute(db);
  if (lock.rows[0]?.got !== true) {
    throw new AppError('REQUEST_IN_PROGRESS', 'A request with this key is being handled.', { kind: 'conflict', retryable: true, retryAfterSeconds: 1 });
  }
  const row = await db.selectFrom('inbox').select(['fingerprint', 'outcome', 'body']).where('message_id', '=', messageId).executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.fingerprint !== fingerprint) {
    throw new AppError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body.', { kind: 'unprocessable' });
  }
  const body: unknown = JSON.parse(row.body);
  if (row.outcome === 'ok') return { kind: 'value', value: body };
  const { code, message, ...options } = StoredError.parse(body);
  return { kind: 'error', error: new AppError(code, message, { kind: options.kind, ...(options.fields && { fields: options.fields }) }) };
}

export interface InboxEntry {
  readonly messageId: string;
  readonly command: string;
  readonly fingerprint: string;
}

export const storeReply = (tx: Tx, entry: InboxEntry, reply: unknown): Promise<void> => store(tx, entry, 'ok', reply ?? null);

export function storeRefusal(tx: Tx, entry: InboxEntry, error: AppError): Promise<void> {
  return store(tx, entry, 'refused', { code: error.code, kind: error.kind, message: error.message, fields: error.fields });
}

async function store(tx: Tx, entry: InboxEntry, outcome: 'ok' | 'refused', body: unknown): Promise<void> {
  await tables<CommandCenterTables>(tx)
    .insertInto('inbox')
    .values({
      message_id: entry.messageId,
      command: entry.command,
      fingerprint: entry.fingerprint,
      outcome,
      body: JSON.stringify(body),
      expires_at: sql<Date>`now() + ${RETENTION}::interval`,
    })
    .execute();
}
