import { AppError, SOCKET_CODES } from '@warren/kernel';

/** The client gives these failures no code, only a text. */
const LINK_MESSAGES = [
  'Connection is closed',
  "Stream isn't writeable",
  'Command timed out',
  'Blocking command timed out',
  'Command aborted',
  'Socket timeout',
  'connect ETIMEDOUT',
  'Reached the max retries',
];

/** First words of the server's answers that another try, perhaps on another server, may not get. */
const TRANSIENT_ANSWERS = [
  'LOADING ',
  'READONLY ',
  'MASTERDOWN ',
  'BUSY ',
  'CLUSTERDOWN ',
  'TRYAGAIN ',
  'NOREPLICAS ',
  'OOM ',
  'MISCONF ',
  'UNBLOCKED ',
  'ERR max number of clients',
];

const TRANSIENT_MESSAGES = [...LINK_MESSAGES, ...TRANSIENT_ANSWERS];

const ACCESS_ANSWERS = /^(NOAUTH|WRONGPASS|NOPERM|ERR invalid password|ERR AUTH)/;

/**
 * Names what Redis did in the vocabulary of calls; the cause is kept. Connection loss, timeouts, a server that loads,
 * is a replica or out of memory become SERVICE_UNAVAILABLE, a refused login REDIS_ACCESS_REFUSED; both are retryable.
 * Whether a command whose answer was lost had its effect is not known. Everything else comes back as it is.
 */
export function toRedisError(error: unknown): unknown {
  if (error instanceof AppError || !(error instanceof Error)) return error;
  const code = 'code' in error && typeof error.code === 'string' ? error.code : '';
  if (ACCESS_ANSWERS.test(error.message)) {
    return new AppError('REDIS_ACCESS_REFUSED', 'Redis refuses the login of this service.', {
      kind: 'unavailable',
      retryable: true,
      cause: withoutArguments(error),
    });
  }
  const isTransient = SOCKET_CODES.has(code) || TRANSIENT_MESSAGES.some((text) => error.message.startsWith(text));
  if (!isTransient) return error;
  return new AppError('SERVICE_UNAVAILABLE', 'The cache cannot be reached. Wait and try again.', {
    kind: 'unavailable',
    retryable: true,
    cause: withoutArguments(error),
  });
}

/** Whether the client gave up waiting for the answer to a command. */
export const isCommandTimeout = (error: unknown): boolean =>
  error instanceof Error && error.message === 'Command timed out';

/** The client hangs the command with its arguments on its errors: values of players, and at login the password. */
function withoutArguments(error: Error): Error {
  if ('command' in error) Reflect.deleteProperty(error, 'command');
  return error;
}
