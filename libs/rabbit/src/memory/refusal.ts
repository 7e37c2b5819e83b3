const CODES = {
  320: 'CONNECTION-FORCED',
  403: 'ACCESS-REFUSED',
  404: 'NOT-FOUND',
  405: 'RESOURCE-LOCKED',
  406: 'PRECONDITION-FAILED',
  503: 'COMMAND-INVALID',
  530: 'NOT-ALLOWED',
} as const;

export type ReplyCode = keyof typeof CODES;

/** Class and method of AMQP 0-9-1, by the names that amqplib has for them. */
const METHODS = {
  ExchangeDeclare: [40, 10],
  ExchangeDelete: [40, 20],
  QueueDeclare: [50, 10],
  QueueBind: [50, 20],
  QueuePurge: [50, 30],
  QueueDelete: [50, 40],
  QueueUnbind: [50, 50],
  BasicQos: [60, 10],
  BasicConsume: [60, 20],
  BasicCancel: [60, 30],
  BasicPublish: [60, 40],
  BasicGet: [60, 70],
  BasicAck: [60, 80],
  BasicReject: [60, 90],
  BasicNack: [60, 120],
  ChannelOpen: [20, 10],
  ConfirmSelect: [85, 10],
} as const;

export type Method = keyof typeof METHODS;

/** A broker's no: it closes the channel on which it was asked. */
export class Refusal extends Error {
  readonly code: ReplyCode;

  /** `text` is what stands behind the dash: `no queue 'q' in vhost '/'`. */
  constructor(code: ReplyCode, text: string) {
    super(`${CODES[code].replaceAll('-', '_')} - ${text}`);
    this.name = 'Refusal';
    this.code = code;
  }
}

/** An error with the fields that amqplib puts on it. */
export interface ClosedError extends Error {
  code: number;
  classId?: number;
  methodId?: number;
}

/** What the `error` event of a channel carries. */
export const channelClosed = (refusal: Refusal, method: Method): ClosedError =>
  shaped(`Channel closed by server: ${wordsOf(refusal)}`, refusal, method);

/** What a call rejects with that waited for an answer when the channel was closed. */
export function callFailed(refusal: Refusal, method: Method, waiting: Method): ClosedError {
  if (method !== waiting) return channelClosed(refusal, method);
  return shaped(`Operation failed: ${method}; ${wordsOf(refusal)}`, refusal, method);
}

/** What the `close` event of a connection carries that the broker closed. */
export const connectionClosed = (refusal: Refusal): ClosedError =>
  shaped(`Connection closed: ${wordsOf(refusal)}`, refusal);

/** What `connect` rejects with when user or password are wrong. */
export const loginRefused = (): Error =>
  new Error(
    'Handshake terminated by server: 403 (ACCESS-REFUSED) with message "ACCESS_REFUSED - Login was refused using ' +
      'authentication mechanism PLAIN. For details see the broker logfile."',
  );

/** What `connect` rejects with when the vhost is unknown or closed to the user. */
export const vhostRefused = (): Error => new Error('Expected ConnectionOpenOk; got <ConnectionClose channel:0>');

/** What `connect` rejects with, or the `error` event of a connection carries, when the network fails. */
export const socketError = (code: 'ECONNREFUSED' | 'ECONNRESET'): Error =>
  Object.assign(new Error(code === 'ECONNRESET' ? 'read ECONNRESET' : 'connect ECONNREFUSED'), { code });

const wordsOf = (refusal: Refusal): string =>
  `${refusal.code} (${CODES[refusal.code]}) with message "${refusal.message}"`;

function shaped(message: string, refusal: Refusal, method?: Method): ClosedError {
  const [classId = 0, methodId = 0] = method === undefined ? [] : METHODS[method];
  return Object.assign(new Error(message), { code: refusal.code, classId, methodId });
}
