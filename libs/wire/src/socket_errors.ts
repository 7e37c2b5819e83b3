import { CLOSE_CODES, MAX_FRAME_BYTES } from '@warren/contracts';
import type { LinkEnd } from './socket_link.ts';
import { WarrenError } from './warren_error.ts';

/** Closed for good: a newer connection took over, or this is the wrong address. */
export const FINAL_CODES: ReadonlySet<number> = new Set([CLOSE_CODES.replaced, CLOSE_CODES.forbidden]);

/** Closed because this side did something wrong or too much: to come back at once would only repeat it. */
export const SLOW_DOWN_CODES: ReadonlySet<number> = new Set([
  CLOSE_CODES.invalid,
  CLOSE_CODES.slow,
  CLOSE_CODES.tooBig,
  CLOSE_CODES.rate,
]);

/** Whether trying again by itself is pointless. A proxy's refusal or a failing service is not: a deployment may be under way. */
export function isFinal(error: unknown): boolean {
  if (!(error instanceof WarrenError)) return true;
  return !error.retryable && error.status < 500 && error.code !== 'HTTP_UNEXPECTED' && error.code !== 'CALL_ABORTED';
}

export const connectionClosed = ({ code, reason }: LinkEnd): WarrenError =>
  new WarrenError('CONNECTION_CLOSED', `The connection was closed (${`${code} ${reason}`.trim()}).`, {
    retryable: !FINAL_CODES.has(code),
  });

export const tooLarge = (): WarrenError =>
  new WarrenError('REQUEST_TOO_LARGE', `A request over a socket has at most ${MAX_FRAME_BYTES} bytes.`);

export const notConnected = (comesBack: boolean): WarrenError => {
  const message = comesBack ? 'The connection is not open at this moment.' : 'The connection is closed for good.';
  return new WarrenError('NOT_CONNECTED', message, { retryable: comesBack });
};
