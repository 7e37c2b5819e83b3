import type { Contract } from '@warren/contracts';
import type { FastifyRequest } from 'fastify';
import { headerOf } from './request_context.ts';

/** What a request says of its sender. Nothing here is verified but the address. */
export interface CallerInfo {
  /** Token of the Authorization header; the empty text where the header is there but is no Bearer token. */
  readonly bearer?: string;
  readonly idempotencyKey?: string;
  /** Random text that a client without an account keeps, so that its retries are its own. */
  readonly deviceNonce?: string;
  /** Address of the client, proxies of the trust list seen through. */
  readonly address: string;
  /** How long the caller waits, milliseconds; the contract's own deadline where it is less or absent. */
  readonly deadlineMs?: number;
}

/** A caller that may make this call: authenticated, authorised and within its rate. */
export interface AdmittedCall {
  /** @throws AppError */
  call(input: unknown): Promise<unknown>;
}

/**
 * Where every call goes, whichever door it came through. Admission comes before the body is read, so that a stranger
 * costs no parsing.
 */
export interface CallPort {
  /** @throws AppError ACCESS_UNAUTHENTICATED, ACCESS_FORBIDDEN, RATE_LIMITED, COMMAND_UNKNOWN */
  admit(contract: Contract, caller: CallerInfo): Promise<AdmittedCall>;
}

const BEARER = /^Bearer ([\x21-\x7e]+)$/i;

export function callerOf(request: FastifyRequest): CallerInfo {
  const authorization = request.headers.authorization;
  const idempotencyKey = headerOf(request, 'idempotency-key');
  const deviceNonce = headerOf(request, 'warren-device-nonce');
  return {
    address: request.ip,
    ...(authorization === undefined ? {} : { bearer: BEARER.exec(authorization)?.[1] ?? '' }),
    ...(idempotencyKey === undefined ? {} : { idempotencyKey }),
    ...(deviceNonce === undefined ? {} : { deviceNonce }),
  };
}
