/** Headers of the wire format that more than one file writes or reads; the table with all of them is in docs/messaging.md. */
export const HEADER = {
  traceparent: 'traceparent',
  attempt: 'warren-attempt',
  actor: 'warren-actor',
  session: 'warren-session',
  roles: 'warren-roles',
  deadline: 'warren-deadline',
  /** Broker user of the service that sent the message first. */
  originUser: 'warren-origin-user',
  /** Value of the key of a command in sequence. */
  key: 'warren-key',
  busy: 'warren-busy',
  errorCode: 'warren-error-code',
  errorMessage: 'warren-error-message',
  reason: 'warren-reason',
  sourceQueue: 'warren-source-queue',
  bodyBytes: 'warren-body-bytes',
  /** Epoch milliseconds at which the message was sent first; kept by every copy. */
  sentAt: 'warren-sent-at',
  /** How often an operator has put it back out of the dead letters. */
  replayed: 'warren-replayed',
} as const;
