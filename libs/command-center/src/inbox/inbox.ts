import { createHmac } from 'node:crypto';
import { KEY_RETENTION_MS } from '@warren/contracts';
import { AppError, ERROR_KINDS, type ErrorKind } from '@warren/kernel';
import { sql, type Tx, tables } from '@warren/postgres';
import * as z from 'zod';
import { IN_PROGRESS } from '../listener/outcome.ts';
import type { CommandCenterTables } from '../outbox/command_center_tables.ts';
import type { Binding } from '../registry/bindings.ts';

/** Longer than every retry path, and than anybody remembers a key. Older rows are removed by the InboxJanitor. */
const RETENTION = `${KEY_RETENTION_MS} milliseconds`;

/** What an earlier run of the same message ended in. */
export type StoredOutcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'error'; readonly error: AppError };

const StoredError = z.object({
  code: z.string(),
  kind: z.custom<ErrorKind>((kind) => typeof kind === 'string' && Object.hasOwn(ERROR_KINDS, kind)),
  message: z.string(),
  fields: z.array(z.object({ path: z.string(), message: z.string() })).optional(),
  retryAfterSeconds: z.number().optional(),
});

/** HMAC of a request without its secret fields, so that «same key, other body» can be told without storing the body. */
export function fingerprintOf(binding: Binding, payload: unknown, key: Buffer): string {
  const visible =
    typeof payload === 'object' && payload !== null ? { ...payload, ...hide(binding.secretFields) } : payload;
  return createHmac('sha256', key).update(`${binding.name}\n`).update(JSON.stringify(visible)).digest('hex');
}

function hide(fields: readonly string[]): Record<string, undefined> {
  return Object.fromEntries(fields.map((field) => [field, undefined]));
}

/**
 * What an earlier run of the same message ended in, without claiming it: saves a repeated call the work that comes before
 * its transaction. `tx` may be the autocommit executor.
 * @throws AppError IDEMPOTENCY_KEY_REUSED (422)
 */
export async function findOutcome(tx: Tx, entry: InboxEntry): Promise<StoredOutcome | undefined> {
  const row = await tables<CommandCenterTables>(tx)
    .selectFrom('inbox')
    .select(['fingerprint', 'outcome', 'body'])
    .where('message_id', '=', entry.messageId)
    .executeTakeFirst();
  if (row === undefined) return undefined;
  if (row.fingerprint !== entry.fingerprint) {
    throw new AppError('IDEMPOTENCY_KEY_REUSED', 'This Idempotency-Key was used with another body.', {
      kind: 'unprocessable',
    });
  }
  const body: unknown = JSON.parse(row.body);
  return row.outcome === 'ok' ? { kind: 'value', value: body } : { kind: 'error', error: storedError(body) };
}

/**
 * Keeps every other transaction from this message id until this one ends. Never waits. False: another one has it.
 */
export async function lockMessage(tx: Tx, messageId: string): Promise<boolean> {
  // advisory locks know no schemas, and one event is handled under one id by several services
  const lock = await sql<{ got: boolean }>`
    SELECT pg_try_advisory_xact_lock(hashtextextended(current_schema() || ':' || ${messageId}::text, 0)) AS got`.execute(
    tables(tx),
  );
  return lock.rows[0]?.got === true;
}

/**
 * Claims a message id for this transaction. The lock comes first and is never waited for: a parallel duplicate is told
 * that its twin is under way. Resolves to the outcome of an earlier run.
 * @throws AppError REQUEST_IN_PROGRESS (retryable), IDEMPOTENCY_KEY_REUSED (422)
 */
export async function claimMessage(tx: Tx, entry: InboxEntry): Promise<StoredOutcome | undefined> {
  if (await lockMessage(tx, entry.messageId)) return findOutcome(tx, entry);
  throw new AppError(IN_PROGRESS, 'A request with this key is being handled.', {
    kind: 'conflict',
    retryable: true,
    retryAfterSeconds: 1,
  });
}

function storedError(body: unknown): AppError {
  const { code, message, kind, fields, retryAfterSeconds } = StoredError.parse(body);
  return new AppError(code, message, {
    kind,
    ...(fields === undefined ? {} : { fields }),
    ...(retryAfterSeconds === undefined ? {} : { retryAfterSeconds }),
  });
}

/** One message as the inbox knows it. */
export interface InboxEntry {
  readonly messageId: string;
  readonly command: string;
  readonly fingerprint: string;
}

export const storeReply = (tx: Tx, entry: InboxEntry, reply: unknown): Promise<void> =>
  store(tx, entry, 'ok', reply ?? null);

export function storeRefusal(tx: Tx, entry: InboxEntry, error: AppError): Promise<void> {
  const { code, kind, message, fields, retryAfterSeconds } = error;
  return store(tx, entry, 'refused', { code, kind, message, fields, retryAfterSeconds });
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
