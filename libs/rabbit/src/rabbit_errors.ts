import { COMMON_ERRORS } from '@warren/contracts';
import { AppError, errorFactory } from '@warren/kernel';

/** Errors of the broker layer itself. The BROKER_* codes end a start-up; nobody outside of the process sees them. */
export const RABBIT_ERRORS = {
  SERVICE_UNAVAILABLE: COMMON_ERRORS.SERVICE_UNAVAILABLE,
  SERVICE_OVERLOADED: COMMON_ERRORS.SERVICE_OVERLOADED,
  SERVICE_TIMEOUT: COMMON_ERRORS.SERVICE_TIMEOUT,
  SERVICE_LINK_LOST: COMMON_ERRORS.SERVICE_LINK_LOST,
  SERVICE_INTERNAL: COMMON_ERRORS.SERVICE_INTERNAL,
  REQUEST_ABORTED: { kind: 'timeout', message: 'The caller stopped waiting. The outcome is unknown.', retryable: true },
  BROKER_ACCESS_REFUSED: { kind: 'internal', message: 'The broker refuses this user.', retryable: false },
  BROKER_TOPOLOGY_DRIFT: {
    kind: 'internal',
    message: 'A queue of the broker differs from the topology.',
    retryable: false,
  },
  BROKER_TOPOLOGY_MISSING: { kind: 'internal', message: 'The broker lacks a part of the topology.', retryable: false },
  BROKER_CHANNEL_CLOSED: { kind: 'unavailable', message: 'The broker closed the channel.', retryable: true },
  DEAD_LETTERS_BUSY: {
    kind: 'conflict',
    message: 'Somebody else is reading these dead letters.',
    retryable: true,
  },
  MESSAGE_INVALID: { kind: 'internal', message: 'A message does not fit the limits of AMQP.', retryable: false },
} as const;

export const raise = errorFactory(RABBIT_ERRORS);

const CODE_ACCESS_REFUSED = 403;
const CODE_NOT_FOUND = 404;
const CODE_PRECONDITION_FAILED = 406;

/** The reply code of a channel or connection that the broker closed, such as 404; undefined for everything else. */
function replyCodeOf(cause: unknown): number | undefined {
  if (!(cause instanceof Error) || !('code' in cause)) return undefined;
  return typeof cause.code === 'number' ? cause.code : undefined;
}

/** What the broker said when it closed a channel, as a typed error; `subject` names the queue or exchange. */
export function channelError(cause: unknown, subject: string): AppError {
  if (cause instanceof AppError) return cause;
  const said = cause instanceof Error ? cause.message : String(cause);
  const code = replyCodeOf(cause);
  if (code === CODE_ACCESS_REFUSED)
    return raise('BROKER_ACCESS_REFUSED', { message: `The broker refuses access to ${subject}: ${said}`, cause });
  if (code === CODE_NOT_FOUND)
    return raise('BROKER_TOPOLOGY_MISSING', { message: `The broker has no ${subject}: ${said}`, cause });
  if (code === CODE_PRECONDITION_FAILED)
    return raise('BROKER_TOPOLOGY_DRIFT', {
      message: `The broker's ${subject} differs from the topology: ${said}`,
      cause,
    });
  return raise('BROKER_CHANNEL_CLOSED', { message: `The channel for ${subject} was lost: ${said}`, cause });
}

const CREDENTIALS_REFUSED = /\b403 \(ACCESS[-_]REFUSED\)/i;
const VHOST_REFUSED = /Expected ConnectionOpenOk; got <ConnectionClose/;

/** How the broker answered a refused login; undefined when the connection failed for another reason. */
export function refusalOf(cause: unknown): 'credentials' | 'vhost' | undefined {
  if (!(cause instanceof Error)) return undefined;
  if (CREDENTIALS_REFUSED.test(cause.message)) return 'credentials';
  return VHOST_REFUSED.test(cause.message) ? 'vhost' : undefined;
}

/** What the operator is told of a refused login. */
export function refusalMessage(refusal: 'credentials' | 'vhost', user: string): string {
  if (refusal === 'credentials') return `The broker refuses the password of user "${user}", or does not know the user.`;
  return `The broker refuses user "${user}" in this vhost: it does not exist or the user has no rights in it.`;
}
