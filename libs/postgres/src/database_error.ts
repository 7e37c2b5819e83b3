import { AppError, SOCKET_CODES } from '@warren/kernel';
import { isAbortedTransactionError } from 'kysely';
import pg from 'pg';

/** SQLSTATEs after which the same transaction is worth another try. */
const TRANSIENT_STATES = new Set([
  '40001', // serialization_failure
  '40P01', // deadlock_detected
  '55P03', // lock_not_available
  '57014', // query_canceled: statement_timeout
  '25006', // read_only_sql_transaction: an old primary during a failover
  '25P03', // idle_in_transaction_session_timeout
  '57P01', // admin_shutdown
  '57P02', // crash_shutdown
  '57P03', // cannot_connect_now
  '57P05', // idle_session_timeout
]);

/** Classes of SQLSTATE that tell of the server or the way to it: connection, resources, system. */
const TRANSIENT_CLASSES = new Set(['08', '53', '58']);

/** After these the server has ended the session, or it is one that must not be used again. */
const SESSION_ENDING_STATES = new Set(['25006', '25P03', '57P01', '57P02', '57P03', '57P05']);

const ACCESS_STATES: Readonly<Record<string, string>> = {
  '28P01': 'The database refuses the password of this role.',
  '28000': 'The database refuses this role.',
  '3D000': 'The database does not exist.',
};

/** Text that no Postgres column holds: U+0000 and bytes that are not UTF-8. */
const UNSTORABLE_STATES = new Set(['22021', '22P05']);

/** Also a Unix socket that is not there. */
const LINK_CODES: ReadonlySet<string> = new Set([...SOCKET_CODES, 'ENOENT']);

/** The driver gives these failures no code, only a text. */
const LINK_MESSAGES = [
  'Connection terminated',
  'timeout expired',
  'timeout exceeded when trying to connect',
  'Query read timeout',
  'Client has encountered a connection error',
  'Client was closed',
  'Cannot use a pool after',
  'driver has already been destroyed',
  'Postgres connection has been discarded',
];

const LOGIN_MESSAGES = /^SASL/;

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : '');

const isLinkFailure = (error: Error): boolean =>
  LINK_CODES.has(codeOf(error)) || LINK_MESSAGES.some((text) => error.message.startsWith(text));

const unavailable = (cause: unknown): AppError =>
  new AppError('SERVICE_UNAVAILABLE', 'The database cannot be reached. Wait and try again.', {
    kind: 'unavailable',
    retryable: true,
    cause,
  });

const accessRefused = (message: string, cause: unknown): AppError =>
  new AppError('DATABASE_ACCESS_REFUSED', message, { kind: 'unavailable', retryable: true, cause });

function fromServer(error: pg.DatabaseError): AppError | undefined {
  const state = error.code ?? '';
  if (TRANSIENT_STATES.has(state) || TRANSIENT_CLASSES.has(state.slice(0, 2))) return unavailable(error);
  // The same state inside a session is a missing right of a statement: a fault of the code.
  const refusal =
    state === '42501' && error.severity === 'FATAL'
      ? 'This role may not connect to the database.'
      : ACCESS_STATES[state];
  if (refusal !== undefined) return accessRefused(refusal, error);
  if (!UNSTORABLE_STATES.has(state)) return undefined;
  return new AppError('REQUEST_INVALID', 'A text holds a character that cannot be stored.', {
    kind: 'invalid',
    cause: error,
  });
}

/**
 * Names what the database did in the vocabulary of calls; the cause is kept. Connection loss, timeouts, deadlocks and a
 * server that is read-only or starting become SERVICE_UNAVAILABLE (retryable), a refused login DATABASE_ACCESS_REFUSED
 * (retryable, because an operator mends it). Everything else, such as a violated constraint, comes back as it is.
 */
export function toDatabaseError(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  if (error instanceof pg.DatabaseError) return fromServer(error) ?? error;
  if (LOGIN_MESSAGES.test(error.message))
    return accessRefused('The database refuses the password of this role.', error);
  if (isLinkFailure(error)) return unavailable(error);
  return error;
}

/** Whether the connection on which `error` came must be thrown away. */
export function endsSession(error: unknown): boolean {
  const cause = error instanceof AppError ? error.cause : error;
  if (cause instanceof pg.DatabaseError) {
    return cause.severity === 'FATAL' || cause.severity === 'PANIC' || SESSION_ENDING_STATES.has(cause.code ?? '');
  }
  return cause instanceof Error && isLinkFailure(cause);
}

/**
 * What a failed COMMIT means. An ERROR of the server says that nothing was applied. Silence says nothing at all: the
 * caller must ask again with the same key, and never hear "not applied".
 */
export function toCommitError(error: unknown): unknown {
  if (isAbortedTransactionError(error)) {
    return new AppError('SERVICE_INTERNAL', 'The service failed to handle the request.', {
      kind: 'internal',
      cause: new Error('nothing was committed: the work caught the error of a statement without a savepoint', {
        cause: error,
      }),
    });
  }
  const cause = error instanceof AppError ? error.cause : error;
  if (cause instanceof pg.DatabaseError && cause.severity === 'ERROR') return toDatabaseError(error);
  return new AppError(
    'SERVICE_LINK_LOST',
    'The connection was lost. The outcome is unknown; retry with the same key.',
    {
      kind: 'unavailable',
      retryable: true,
      cause: error,
    },
  );
}

/** Whether the statement broke a unique or primary key; with `constraint`, whether it broke that one. */
export function isUniqueViolation(error: unknown, constraint?: string): boolean {
  if (!(error instanceof pg.DatabaseError) || error.code !== '23505') return false;
  return constraint === undefined || error.constraint === constraint;
}
